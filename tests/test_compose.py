"""Channels from YAML, flags and names; and one clear line for what is wrong."""

import argparse
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelink.link_sim import channels as package
from voicelink.link_sim.channels import (
    CHANNELS,
    Awgn,
    ChannelChain,
    Loss,
    channels_from,
    parse_flag,
    scenario,
    scenario_names,
)
from voicelink.link_sim.channels.compose import chain
from voicelink.link_sim.commands.options import SHORT, add_channel_options, chain_from
from voicelink.models.errors import ParameterError

GOOD = """\
title: Two things
about: a loss and noise
channel:
  - loss: {probability: 1e-1}   # YAML 1.1 alone would take 1e-1 for a word
  - awgn:
      ebn0_db: 2
      decisions: hard
"""


def described(channels):
    return [str(channel) for channel in channels]


EXPECTED = ["loss probability=0.1", "awgn ebn0_db=2 decisions=hard"]


def test_from_a_file(tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(GOOD)
    assert described(channels_from(path)) == EXPECTED
    assert described(channels_from(str(path))) == EXPECTED
    made = chain(path, seed=5)
    assert isinstance(made, ChannelChain)
    assert made.title == "Two things"


@pytest.mark.parametrize(
    "spec",
    [
        [{"loss": {"probability": 0.1}}, {"awgn": {"ebn0_db": 2, "decisions": "hard"}}],
        {"channel": [{"loss": {"probability": 0.1}}, "awgn:ebn0_db=2,decisions=hard"]},
        ["loss:probability=0.1", Awgn(ebn0_db=2, decisions="hard")],
        [Loss(probability=0.1), "awgn: ebn0_db = 2, decisions = hard"],
    ],
)
def test_from_plain_data(spec):
    assert described(channels_from(spec)) == EXPECTED
    assert chain(spec).title == ", ".join(EXPECTED)


def test_from_a_flag():
    assert described(channels_from("loss:probability=0.1")) == EXPECTED[:1]
    outage = parse_flag("outage:times=[[1, 2], [5, 6.5]]")
    assert outage.times == ((1, 2), (5, 6.5))
    assert str(outage) == "outage times=[[1, 2], [5, 6.5]]"
    assert parse_flag("jitter:deviation=1e-2,keep_order=true").keep_order is True


@pytest.mark.parametrize("name", scenario_names())
def test_scenarios(name):
    data = scenario(name)
    assert data["title"] and data["about"] and data["source"]
    assert chain(name).title == data["title"]
    file = Path(package.__file__).parents[1] / "scenarios" / f"{name}.yaml"
    assert file.read_text("utf-8").startswith("# ")


def test_the_scenarios_of_the_readme_exist():
    assert {"clean", "lossy-ip", "bursty", "awgn-1.5db", "rationed-800"} <= set(scenario_names())


def test_a_trace_is_looked_for_beside_the_file_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "net.csv").write_text("time,delay\n0,0.5\n")
    (tmp_path / "net.yaml").write_text("- trace: {file: net.csv}\n")
    (channel,) = channels_from(tmp_path / "net.yaml")
    assert channel.file == str(tmp_path / "net.csv")
    monkeypatch.chdir(tmp_path)
    assert parse_flag("trace:file=net.csv").file == "net.csv"
    (tmp_path / "net.csv").write_text("time,delay\n0,fast\n")
    with pytest.raises(ParameterError, match=r"net.yaml, line 1: trace.file: .*net.csv, line 2: "):
        channels_from(tmp_path / "net.yaml")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("los:probability=1", "a channel must be one of .*did you mean loss"),
        ("lossy-pi", "a channel or scenario must be .*did you mean lossy-ip"),
        ("loss", r"loss needs probability \(share of the packets that is lost\)"),
        ("loss:probabilty=1", "a setting of loss must be .*did you mean probability"),
        ("loss:probability", "must be written name:setting=value"),
        ("loss:probability=2", "loss.probability must be a number from 0 to 1, not 2"),
        ("loss:probability=few", "loss.probability must be a number, not 'few'"),
        ("loss:probability=", "loss.probability must be a number, not None"),
        ("loss:probability=1,probability=1", "'probability' is there twice"),
        ("bandwidth:rate=800,queue_packets=1.5", "queue_packets must be a whole number, not 1.5"),
        ("jitter:deviation=1,keep_order=3", "keep_order must be true or false, not 3"),
        ("awgn:ebn0_db=1,decisions=sft", "awgn.decisions must be .*did you mean soft"),
        ("missing.yaml", "missing.yaml cannot be read: No such file"),
        ("a\0b.yaml", "cannot be read: embedded null"),
        (5, "channels must be a list, such as .*, not 5"),
        (None, "channels must be a list"),
        ({"title": "x"}, "the key channel, a list of channels, is missing"),
        ({"chanel": []}, "a key must be one of .*did you mean channel"),
        ({"title": 3, "channel": []}, "title must be text, not 3"),
        ([{"loss": 3}], "the settings of loss must be written"),
        ([{"loss": {"probability": 0}, "delay": {"seconds": 1}}], "a channel must be one name"),
        ([[]], "a channel must be one name"),
        (["awgn:ebn0_db=1", "awgn:ebn0_db=1"], "channel 2, awgn, sends hard bits"),
    ],
)
def test_errors(spec, message):
    with pytest.raises(ParameterError, match=message):
        channels_from(spec)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds nothing"),
        ("# only a comment\n", "holds nothing"),
        ("channel:\n  - loss: {probability: 0.1}\n  - los: {}\n", "line 3: a channel must be one"),
        ("channel:\n  - loss:\n      probability: 7\n", "line 3: loss.probability must be"),
        ("channel:\n  - loss:\n      rate: 7\n", "line 3: a setting of loss must be"),
        ("- loss: {probability: 1}\n- loss:\n", "line 2: loss needs probability"),
        ("channel: []\nchannel: []\n", "line 2: 'channel' is there twice"),
        ("title: x\nchanel: []\n", "line 2: a key must be one of"),
        ("title: x\nchannel: 5\n", "line 2: channels must be a list"),
        ("channel: [\n", "line 2: .*flow"),
        ("a: b: c\n", "line 1: mapping values are not allowed"),
        ("channel: &all [*all]\n", "line 1: aliases"),
        ("--- []\n--- []\n", "line 2: expected a single document"),
        ("channel: !!python/name:os.system\n", "line 1: could not determine a constructor"),
        ("title: 2001-99-99\n", "line 1: month must be in 1..12"),
        ("[a]: 1\n", "line 1: a key must be a word"),
        ("[" * 5000, "is nested too deeply"),
        ("title: \0\n", "special characters are not allowed"),
        (
            "channel:\n- awgn: {ebn0_db: 1}\n- awgn: {ebn0_db: 1}\n",
            "line 3: channel 2, awgn, sends hard bits",
        ),
        (
            "channel:\n- loss: {probability: 0}\n- rayleigh: {doppler_hz: 1}\n",
            "line 3: channel 2, rayleigh, acts on a radio signal and needs an awgn after it",
        ),
        (
            "- rayleigh: {doppler_hz: 1}\n- watterson: {preset: poor}\n- awgn: {ebn0_db: 1}\n",
            "line 2: channel 2, watterson, has an echo of 2 ms, .* needs waveform: multicarrier",
        ),
        (
            "- watterson: {preset: pure}\n",
            "line 1: watterson.preset must be one of .* .did you mean poor",
        ),
        (
            "- awgn: {ebn0_db: 2 dB}\n",
            "line 1: awgn.ebn0_db must be a number in dB, written without",
        ),
        ("- awgn:\n    ebno_db: 2\n", "line 2: a setting of awgn must be .*did you mean ebn0_db"),
        ("- delay:\n    seconds: 100 ms\n", "line 2: delay.seconds must be a number in s, written"),
        (
            "- mobile:\n    speed_kmh: 50\n    carrier_mhz: 7e6\n",
            "line 3: mobile.carrier_mhz must be a number from 1 to 6000, not 7000000",
        ),
        ("- mobile:\n    speed_kmh: 50\n", "line 1: mobile needs carrier_mhz"),
        ("- rician:\n    k_dB: 3\n", "line 2: a setting of rician must be .*did you mean k_db"),
        (
            "- awgn: {ebn0_db: 1, modulation: 2fsk, waveform: multicarrier}\n",
            "line 1: awgn.waveform multicarrier needs modulation bpsk or qpsk, not 2fsk",
        ),
        (
            "- trace:\n    file: none.csv\n",
            "line 1: trace.file: .*none.csv cannot be read: No such file",
        ),
    ],
)
def test_errors_in_files_name_file_and_line(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=message) as caught:
        channels_from(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_files_that_are_no_text(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParameterError, match="is not a text file in UTF-8"):
        channels_from(tmp_path / "x.yaml")
    with pytest.raises(ParameterError, match="cannot be read: Is a directory"):
        channels_from(tmp_path)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text("loss:[]{}-&*!\"'\n #0.1,=?|>", max_size=40)))
def test_any_text_gives_channels_or_one_line(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_text(text, "utf-8", errors="replace")
    for spec in (path, text, [text], "loss:" + text):
        try:
            assert isinstance(channels_from(spec), list)
        except ParameterError as error:
            assert str(error)


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["channel", "loss", "outage", "times", "probability", "x"]),
            inner,
            max_size=2,
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(plain)
def test_any_data_gives_channels_or_an_error(data):
    for spec in (data, [data], {"channel": data}, [{"outage": data}], [{"loss": data}]):
        try:
            assert isinstance(channels_from(spec), list)
        except ParameterError as error:
            assert str(error)


# Options of the command line


def from_options(*words):
    parser = argparse.ArgumentParser()
    add_channel_options(parser)
    return chain_from(parser.parse_args(words))


def test_options_keep_their_order(tmp_path):
    path = tmp_path / "two.txt"
    path.write_text(GOOD)
    made = from_options(
        "--delay", "1", "--yaml", str(path), "--bit-errors=0.1",
        "--channel", "gilbert-elliott:loss=0.1,burst=2", "--scenario", "bursty", "--delay", "2",
    )  # fmt: skip
    assert described(made.channels) == [
        "delay seconds=1",
        *EXPECTED,
        "bit-errors rate=0.1",
        "gilbert-elliott loss=0.1 burst=2",
        "gilbert-elliott loss=0.1 burst=3",
        "delay seconds=2",
    ]
    assert made.title.startswith("delay seconds=1, Two things, bit-errors rate=0.1")


def test_no_options_no_channels():
    assert from_options().channels == ()


def test_options_of_two_runs_do_not_mix():
    assert len(from_options("--loss", "0.1").channels) == 1
    assert len(from_options("--loss", "0.1").channels) == 1


def test_an_effect_and_its_noise_may_be_given_as_two_options():
    made = from_options("--channel", "rayleigh:doppler_hz=2", "--awgn", "8")
    assert described(made.channels) == ["rayleigh doppler_hz=2", "awgn ebn0_db=8"]
    with pytest.raises(ParameterError, match=r"channel 1, rayleigh, .* needs an awgn after it"):
        from_options("--channel", "rayleigh:doppler_hz=2")


def test_options_check_the_whole_row():
    with pytest.raises(ParameterError, match="channel 2, awgn, sends hard bits"):
        from_options("--awgn", "1", "--awgn", "2")


@pytest.mark.parametrize("name", SHORT)
def test_each_short_option_gives_what_its_channel_requires(name):
    required = [parameter.name for parameter in CHANNELS[name].parameters() if parameter.required]
    assert required == [SHORT[name][0]]
    (channel,) = from_options(f"--{name}=1").channels
    assert channel.name == name


def test_the_page_lists_every_channel_setting_and_scenario():
    page = (Path(package.__file__).parents[1] / "CHANNELS.md").read_text("utf-8")
    rows = re.findall(
        r"^\| (?:`([\w-]+)`)?[ *]*\| `(\w+)` \| ([^|]*) \| (\w+|[\d.]+) \|", page, re.M
    )
    listed, name = {}, None
    for channel, setting, _, default in rows:
        name = channel or name
        listed.setdefault(name, {})[setting] = default
    assert list(listed) == list(CHANNELS)
    for name, channel in CHANNELS.items():
        parameters = {parameter.name: parameter for parameter in channel.parameters()}
        assert list(listed[name]) == list(parameters)
        for setting, default in listed[name].items():
            assert (default == "required") == parameters[setting].required
    for name in scenario_names():
        assert f"| `{name}` |" in page
