"""The block descriptions for GNU Radio Companion, and `voicelink grc`."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from gnuradio_python import TIMEOUT_S, clean_environment

from voicelink.blocks.profile import profiles
from voicelink.grc import sample
from voicelink.grc.companion import working_copy
from voicelink.grc.files import FOLDER, block_files, flowgraphs
from voicelink.grc.headless import headless
from voicelink.link_sim.channels import CHANNELS
from voicelink.link_sim.cli import parser
from voicelink.models.card import released, variants

DESCRIBE = Path(__file__).with_name("grc_blocks.py")
BLOCKS = {
    file.name.removesuffix(".block.yml"): yaml.safe_load(file.read_text()) for file in block_files()
}
OURS = [name for name in BLOCKS if "codec2" not in name]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder without blocks of the user's, with GRC's cache."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def grc(python: str, home: Path, tmp_path: Path):
    """Run `voicelink grc` in a folder of its own."""

    def run(*words: object, **variables: str) -> subprocess.CompletedProcess:
        environment = clean_environment() | {"HOME": str(home)} | variables
        environment.pop("GRC_BLOCKS_PATH", None)
        return subprocess.run(
            [python, "-m", "voicelink.link_sim.cli", "grc", *map(str, words)],
            capture_output=True, text=True, timeout=TIMEOUT_S, cwd=tmp_path, env=environment,
            check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def describe(python: str):
    """What GRC and GNU Radio say of blocks with parameters: see grc_blocks.py."""

    def run(cases: list[tuple[str, dict[str, str]]]) -> list[dict]:
        done = subprocess.run(
            [python, str(DESCRIBE)], input=json.dumps(cases), capture_output=True, text=True,
            timeout=TIMEOUT_S, env=clean_environment(), check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_grc_loads_every_block_and_compiles_every_flowgraph(grc) -> None:
    done = grc("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    expected = [f"block {name}: ok" for name in BLOCKS]
    for file in flowgraphs():
        expected += [f"flowgraph {file.stem}: ok", f"flowgraph {file.stem}, headless: ok"]
    assert done.stdout.splitlines() == expected


def test_the_parameters_are_those_of_the_classes(describe) -> None:
    """Every argument of a class stands in its description, in the same order and with the same
    default, and the description gives no other."""
    for name, found in zip(OURS, describe([(name, {}) for name in OURS]), strict=True):
        block = BLOCKS[name]
        given = re.findall(r"(\w+)='?\$\{(\w+)\}", block["templates"]["make"])
        assert [argument for argument, _ in given] == list(found["arguments"]), name
        described = {parameter["id"]: parameter for parameter in block["parameters"]}
        assert [parameter for _, parameter in given] == list(described), name
        for argument, parameter in given:
            default, kind = described[parameter]["default"], described[parameter]["dtype"]
            plain = kind in ("enum", "string", "file_open")
            value = default if plain else ast.literal_eval(default)
            if argument != "channels":  # there GRC begins with an example
                assert value == found["arguments"][argument], (name, argument)


def test_the_ports_are_those_of_the_blocks(describe) -> None:
    """For each form that a block may take, GRC shows the ports that the block has."""
    cases = [(name, {}) for name in BLOCKS]
    for name, block in BLOCKS.items():
        for parameter in block["parameters"]:
            if parameter["id"] in ("input", "output", "form", "mode"):
                cases += [(name, {parameter["id"]: value}) for value in parameter["options"]]
    fitting = {("voicelink_rx", "symbols"): {"profile": "half"}}
    cases = [(name, values | fitting.get((name, *values.values()), {})) for name, values in cases]
    assert len(cases) > 30
    for case, found in zip(cases, describe(cases), strict=True):
        assert found["errors"] == [], case
        for way in ("in", "out"):
            assert sorted(map(str, found["shown"][way])) == sorted(map(str, found["made"][way])), (
                case
            )


@pytest.mark.parametrize("name", BLOCKS)
def test_the_documentation_fits_into_its_dialog(name: str) -> None:
    assert max(map(len, BLOCKS[name]["documentation"].splitlines())) <= 78


@pytest.mark.parametrize("name", BLOCKS)
def test_the_documentation_names_every_port_and_parameter(name: str) -> None:
    block = BLOCKS[name]
    text = block["documentation"]
    for port in block.get("inputs", []) + block.get("outputs", []):
        assert re.search(rf"\b{port.get('id', 'in|out')}\b", text), port
    if name in OURS and "of the two blocks" not in text:
        for parameter in block["parameters"]:
            label = parameter["label"].partition(" (")[0]
            assert label in text or parameter["id"] in ("model", "input"), label


def test_choices_are_those_of_the_package() -> None:
    for name, block in BLOCKS.items():
        for parameter in block["parameters"]:
            if parameter["id"] == "model":
                # Who decodes speech may do so by another decoder of the same bits.
                decodes = name in ("voicelink_decoder", "voicelink_rx")
                assert parameter["options"] == (variants() if decodes else released()), name
            if parameter["id"] == "profile":
                assert [p for p in parameter["options"] if p != "auto"] == list(profiles()), name
    assert all(name in BLOCKS["voicelink_channel"]["documentation"] for name in CHANNELS)


def test_grc_refuses_what_the_blocks_would(describe) -> None:
    wrong = [
        ("voicelink_framer", {"callsign": "F4|BAD"}),
        ("voicelink_framer", {"callsign": "TENLETTERS"}),
        ("voicelink_framer", {"profile": "plain", "callsign": "N0CALL"}),
        ("voicelink_framer", {"sync_word": "True", "preamble": "-1"}),
        ("voicelink_framer", {"tail": "16"}),
        ("voicelink_tx", {"sync_word": "True", "tail": "5000"}),
        ("voicelink_decoder", {"jitter_buffer": "-0.1"}),
        ("voicelink_decoder", {"jitter_buffer": "16"}),
        ("voicelink_rx", {"input": "symbols"}),
        ("voicelink_sync", {"hold": "-1"}),
        ("voicelink_channel", {"form": "bits", "packet": "100"}),
        ("voicelink_channel", {"seed": "-1"}),
        ("voicelink_channel", {"channels": "loss 0.1"}),
    ]
    for case, found in zip(wrong, describe(wrong), strict=True):
        assert found["errors"], case


def test_install_and_uninstall(grc, python: str, tmp_path: Path) -> None:
    """A companion or grcc that is started by itself finds the blocks, until they are removed."""
    folder = tmp_path / "blocks"
    folder.mkdir()
    variables = {"GRC_HIER_PATH": str(folder)}
    mine = folder / "voicelink_of_mine.block.yml"
    mine.write_text("id: voicelink_of_mine\ngrc_source: /home/me/mine.grc\nfile_format: 1\n")
    old = "voicelink_old.block.yml"
    (folder / old).symlink_to(tmp_path / "grc" / old)  # of a version that is gone
    copy = folder / block_files()[0].name
    shutil.copyfile(block_files()[0], copy)

    done = grc("install", **variables)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(BLOCKS) + 1
    assert "removed" in done.stdout and "voicelink_old" in done.stdout
    assert {p.name for p in folder.iterdir()} == {p.name for p in block_files()} | {mine.name}
    assert copy.is_symlink()
    assert "nothing to do" in grc("install", **variables).stdout

    program = [python, "-c", "import sys; from gnuradio.grc.compiler import main; sys.exit(main())"]
    compiled = subprocess.run(
        [*program, "-o", str(tmp_path), str(FOLDER / "loopback.grc")],
        capture_output=True, text=True, timeout=TIMEOUT_S, env=clean_environment() | variables,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr
    assert "voicelink_blocks.encoder(" in (tmp_path / "loopback.py").read_text()

    done = grc("install", "--uninstall", **variables)
    assert len(done.stdout.splitlines()) == len(BLOCKS)
    assert list(folder.iterdir()) == [mine]
    assert "nothing to do" in grc("install", "--uninstall", **variables).stdout


@pytest.mark.parametrize(
    "text",
    ["id: voicelink_encoder\ncategory: '[Voice Link]'\ngrc_source: /home/me/encoder.grc\n", "mine"],
)
@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("words", [("install",), ("install", "--uninstall")])
def test_install_leaves_a_users_own_block_alone(
    grc, tmp_path: Path, text: str, link: bool, words: tuple
) -> None:
    """Whatever lies under a name of ours, it is not touched, nor is anything else."""
    folder = tmp_path / "blocks"
    folder.mkdir()
    own = folder / "voicelink_encoder.block.yml"
    if link:
        own.symlink_to(tmp_path / "mine.block.yml")
    own.write_text(text)
    ours = folder / block_files()[0].name
    ours.symlink_to(block_files()[0])
    done = grc(*words, GRC_HIER_PATH=str(folder))
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"{own} is not of this package" in line
    assert own.read_text() == text and own.is_symlink() == link
    assert set(folder.iterdir()) == {own, ours}


def test_without_gnu_radio_it_says_what_to_do() -> None:
    code = (
        "import sys; sys.modules['gnuradio'] = None\n"
        "from voicelink.link_sim.cli import main; sys.exit(main(['grc', 'check']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "GNU Radio cannot be imported" in line and "--system-site-packages" in line


def test_path_and_list_need_no_gnu_radio(voicelink) -> None:
    assert voicelink("grc", "path")[1].strip() == str(FOLDER)
    listed = voicelink("grc", "list")[1]
    rows = [line for line in listed.splitlines() if line.startswith("  ")]
    assert len({len(re.match(r"  \S+ +", row)[0]) for row in rows}) == 1  # one column
    assert all(name in listed for name in BLOCKS)
    assert all(file.stem in listed for file in flowgraphs())


def test_a_flowgraph_that_does_not_compile_is_told_in_one_line(grc, tmp_path: Path) -> None:
    """And no program is left of it."""
    text = (FOLDER / "loopback.grc").read_text()
    graph = yaml.safe_load(text)
    cut = [c for c in graph["connections"] if c[2] != "encoder"]
    loose = [*graph["connections"], ["framer", "other", "deframer", "in"]]
    no_flowgraph = "is no flowgraph of GRC"
    cases = {
        "cut": (yaml.safe_dump(graph | {"connections": cut}), "encoder"),
        "loose": (yaml.safe_dump(graph | {"connections": loose}), "other"),
        "unknown": (text.replace("voicelink_encoder", "some_block"), "not know: some_block"),
        "words": ("These are words.", no_flowgraph),
        "nothing": ("", no_flowgraph),
        "list": ("[1, 2]", no_flowgraph),
        "half": (yaml.safe_dump({"blocks": [1], "connections": None}), no_flowgraph),
        "bytes": (bytes(range(128, 256)).decode("latin-1"), no_flowgraph),
    }
    for name, (content, said) in cases.items():
        (tmp_path / f"{name}.grc").write_text(content, encoding="latin-1")
        for words in ((), ("--headless",)):
            done = grc("compile", f"{name}.grc", *words)
            assert done.returncode == 2 and done.stdout == "", done.stderr
            (line,) = done.stderr.splitlines()
            assert f"{name}.grc" in line and said in line
    assert not list(tmp_path.glob("*.py"))


def test_a_disabled_block_may_be_unknown(grc, tmp_path: Path) -> None:
    """As in the companion: a flowgraph may keep what only another machine has."""
    graph = yaml.safe_load((FOLDER / "loopback.grc").read_text())
    states = {"coordinate": [0, 0], "rotation": 0, "state": "disabled"}
    graph["blocks"].append(block("radio", "some_radio_sink") | {"states": states})
    (tmp_path / "kept.grc").write_text(yaml.safe_dump(graph))
    for words in ((), ("--headless",)):
        assert grc("compile", "kept.grc", *words).returncode == 0


def test_the_check_finds_an_unknown_block(grc, tmp_path: Path) -> None:
    """As where GNU Radio was built without a part that a flowgraph needs."""
    text = (FOLDER / "microphone.grc").read_text().replace("id: audio_sink", "id: audio_nosuch")
    (tmp_path / "microphone.grc").write_text(text)
    code = (
        "import sys\nfrom pathlib import Path\nfrom voicelink.grc import check\n"
        "from voicelink.link_sim.cli import main\n"
        "check.block_files = list\ncheck.flowgraphs = lambda: [Path('microphone.grc')]\n"
        "sys.exit(main(['grc', 'check']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=TIMEOUT_S,
        cwd=tmp_path, env=clean_environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    for line in done.stdout.splitlines():
        assert "audio_nosuch" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("compile loopbck", "did you mean loopback"),
        ("compile none/loopback.grc", "No such file"),
        ("compile loopback --realtime", "--realtime needs --headless"),
        ("compile loopback --headless --speaker", "--speaker needs --headless --realtime"),
        ("compile loopback other", "other (see voicelink grc compile --help)"),
        ("compile loopback --output=", "--output must be a folder"),
        ("companion loopbck", "did you mean loopback"),
        ("instal", "invalid choice"),
        ("", "see voicelink grc --help"),
    ],
)
def test_bad_input_gets_one_line(words: str, said: str, refused) -> None:
    assert said in refused("grc", *words.split())


def test_a_folder_is_no_flowgraph(tmp_path: Path, monkeypatch, refused) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("of_mine", "of_mine.grc"):
        Path(name).mkdir()
        assert f"{name} is a folder" in refused("grc", "compile", name)
        assert f"{tmp_path / name} is a folder" in refused("grc", "compile", tmp_path / name)


@pytest.mark.parametrize("display", [{}, {"DISPLAY": ":nosuch"}])
def test_the_companion_without_a_display_says_so(grc, tmp_path: Path, display: dict) -> None:
    """And copies nothing."""
    done = grc("companion", "loopback", **{"DISPLAY": "", "WAYLAND_DISPLAY": ""} | display)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "needs a display" in line and display.get("DISPLAY", "not set") in line
    assert not list(tmp_path.iterdir())


def test_the_companion_opens_a_copy(tmp_path: Path, monkeypatch, capsys) -> None:
    """It saves into what it opens, which must not be the package's own file."""
    monkeypatch.chdir(tmp_path)
    copy = working_copy("loopback")
    assert copy == tmp_path / "loopback.grc"
    assert capsys.readouterr().out == f"loopback.grc copied to {copy}\n"
    assert copy.read_bytes() == (FOLDER / "loopback.grc").read_bytes()
    copy.write_text("changed")
    assert working_copy("loopback").read_text() == "changed"
    assert "there already" in capsys.readouterr().out
    assert working_copy("loopback.grc") == copy


def test_the_sample_is_as_flowgraphs_need_it() -> None:
    import soundfile

    info = soundfile.info(sample())
    assert (info.samplerate, info.channels) == (8000, 1)


@pytest.mark.parametrize("file", flowgraphs(), ids=lambda file: file.stem)
def test_a_flowgraph_says_what_it_is_and_what_to_expect(file: Path) -> None:
    graph = yaml.safe_load(file.read_text())
    options = graph["options"]["parameters"]
    assert options["title"].startswith("Voice Link: ") and options["description"]
    (note,) = [block for block in graph["blocks"] if block["id"] == "note"]
    assert len(note["parameters"]["comment"]) > 200
    # 3.10.5 has no throttle2.
    assert "throttle2" not in file.read_text()


def block(name: str, kind: str, **parameters: str) -> dict:
    states = {"coordinate": [0, 0], "rotation": 0, "state": "enabled"}
    return {"name": name, "id": kind, "parameters": parameters, "states": states}


def test_the_headless_form() -> None:
    """Sliders to options, sinks on the screen left out, sound card to files, clocks off."""
    graph = {
        "options": {"parameters": {"generate_options": "qt_gui"}},
        "blocks": [
            block("gain", "variable_qtgui_range", rangeType="float", value="0.5", label="Gain"),
            block("microphone", "audio_source", samp_rate="8000"),
            block("encoder", "voicelink_encoder"),
            block("decoder", "voicelink_decoder", pace="clock"),
            block("picture", "qtgui_time_sink_x"),
            block("later", "blocks_delay", delay="1"),
            block("picture_later", "qtgui_time_sink_x"),
            block("speaker", "audio_sink", samp_rate="8000"),
        ],
        "connections": [
            ["microphone", "0", "encoder", "0"],
            ["microphone", "0", "picture", "0"],
            ["microphone", "0", "later", "0"],
            ["later", "0", "picture_later", "0"],
            ["decoder", "0", "speaker", "0"],
        ],
    }
    fast = yaml.safe_load(headless(yaml.safe_dump(graph)))
    blocks = {block["name"]: block for block in fast["blocks"]}
    assert fast["options"]["parameters"]["generate_options"] == "no_gui"
    assert blocks["gain"]["id"] == "parameter"
    assert blocks["gain"]["parameters"]["value"] == "0.5"
    assert blocks["gain"]["parameters"]["type"] == "eng_float"
    assert blocks["microphone"]["id"] == "blocks_wavfile_source"
    assert blocks["microphone_file"]["parameters"]["value"] == "microphone.wav"
    assert blocks["beginning"]["id"] == "snippet"
    assert "check_recordings(self.microphone_file)" in blocks["beginning"]["parameters"]["code"]
    assert blocks["speaker"]["id"] == "blocks_wavfile_sink"
    assert blocks["decoder"]["parameters"]["pace"] == "data"
    assert not {"picture", "later", "picture_later"} & set(blocks)
    spoken, heard = ["microphone", "0", "encoder", "0"], ["decoder", "0", "speaker", "0"]
    assert fast["connections"] == [spoken, heard]

    real = yaml.safe_load(headless(yaml.safe_dump(graph), realtime=True))
    blocks = {block["name"]: block for block in real["blocks"]}
    assert blocks["decoder"]["parameters"]["pace"] == "clock"
    assert blocks["microphone_clock"]["id"] == "blocks_throttle"
    assert ["microphone", "0", "microphone_clock", "0"] in real["connections"]

    heard = yaml.safe_load(headless(yaml.safe_dump(graph), realtime=True, speaker=True))
    blocks = {block["name"]: block for block in heard["blocks"]}
    assert blocks["speaker"]["id"] == "audio_sink" and "speaker_file" not in blocks
    assert blocks["microphone"]["id"] == "blocks_wavfile_source"


def test_a_headless_form_without_recordings_looks_at_none() -> None:
    graph = {"options": {"parameters": {}}, "blocks": [block("rx", "voicelink_rx")]}
    made = yaml.safe_load(headless(yaml.safe_dump(graph | {"connections": []})))
    (code,) = (b["parameters"]["code"] for b in made["blocks"] if b["name"] == "beginning")
    assert "errors_in_one_line()" in code and "check_recordings" not in code


def test_a_headless_microphone_presses_the_switch_that_its_encoder_waits_for() -> None:
    graph = {
        "options": {"parameters": {}},
        "blocks": [
            block("microphone", "audio_source", samp_rate="8000"),
            block("encoder", "voicelink_encoder", transmit="False"),
            block("modulator", "voicelink_modulator", pace="clock"),
        ],
        "connections": [["microphone", "0", "encoder", "0"]],
    }
    for realtime, pace in ((False, "data"), (True, "clock")):
        made = yaml.safe_load(headless(yaml.safe_dump(graph), realtime))
        blocks = {block["name"]: block for block in made["blocks"]}
        assert blocks["microphone"]["id"] == "voicelink_recording"
        assert blocks["microphone"]["parameters"]["file"] == "microphone_file"
        assert blocks["microphone"]["parameters"]["pace"] == pace
        assert blocks["modulator"]["parameters"]["pace"] == pace
        assert made["connections"] == graph["connections"]


def test_the_commands_in_the_flowgraphs_comments_are_ones_that_there_are() -> None:
    lines = [
        words[1:]
        for file in [*flowgraphs(), *block_files()]
        for line in re.findall(r"^ *(voicelink .*)$", file.read_text(), re.MULTILINE)
        for words in [shlex.split(line.partition("&&")[0])]
    ]
    assert len(lines) >= 8
    for words in lines:
        parser().parse_args(words)
