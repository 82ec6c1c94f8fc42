"""A simulation's report as text for people."""

from __future__ import annotations

from voicelink.blocks.status import Status


def summary(report: dict) -> str:
    """The report of `simulate` in some lines."""
    rates, frames, packets = report["rates"], report["superframes"], report["packets"]
    latency, cpu = report["latency_ms"], report["cpu"]
    sent = max(frames["sent"], 1)
    states = ", ".join(
        f"{frames[s.value]} {s.value} ({100 * frames[s.value] / sent:.0f} %)" for s in Status
    )
    # The listener's clock is set by the first packet, and does not wait for the late ones.
    late = (", late packets too", ", for what was in time") if packets["late"] else ("", "")
    around = ""
    if rates["gross"] > rates["on_air"] + 0.5:
        around = f"; {rates['gross']:.0f} bits a second with what goes before and behind the speech"
    lines = [
        (
            "link",
            f"{report['model']}, profile {report['profile']}, {report['seconds']:.2f} s of speech",
        ),
        (
            "rates",
            f"payload {rates['payload']:.0f} bit/s, on the air {rates['on_air']:.0f} bit/s{around}",
        ),
        ("superframes", f"{frames['sent']} sent: {states}"),
        (
            "packets",
            f"{packets['sent']} sent, {packets['arrived']} arrived, {packets['late']} late,"
            f" {packets['duplicate']} duplicate, {packets['malformed']} malformed"
            + (f"; {packets['voice']} with a piece of the voice" if "voice" in packets else ""),
        ),
        ("corrected", f"{report['bits_corrected']} bits by error correction"),
        (
            "latency",
            f"channel {latency['channel_mean']:.0f} ms mean, {latency['channel_p95']:.0f} ms at"
            f" 95 %, {latency['channel_max']:.0f} ms at most{late[0]}; mouth to ear"
            f" {latency['mouth_to_ear']:.0f} ms{late[1]}",
        ),
    ]
    for stage in report["channel"]:
        counts = ", ".join(f"{k} {_number(v)}" for k, v in stage.items() if k != "channel")
        lines.append(("channel", f"{stage['channel']}: {counts}"))
    quality = report.get("quality", {})
    known = [(name, f"{value:.3f}") for name, value in quality.items() if value is not None]
    if quality and not known:
        missing = "too little speech, or no measure is installed: pip install '.[demo]'"
        known = [("quality", f"not measured ({missing})")]
    lines += known
    lines.append(
        (
            "CPU",
            f"{cpu['transmitter']:.4f} transmitter, {cpu['channel']:.4f} channel,"
            f" {cpu['receiver']:.4f} receiver (CPU-seconds per second of speech)",
        )
    )
    return "\n".join(f"{name:12} {text}" for name, text in lines)


def _number(value: object) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
