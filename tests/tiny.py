"""A codec that learns in seconds, for the tests of the training: its sizes and its card."""

SIZES = {
    "encoder_fine": 8, "encoder_fine_blocks": 1, "encoder_coarse": 8, "encoder_coarse_blocks": 1,
    "decoder_fine": 8, "decoder_fine_blocks": 1, "decoder_coarse": 8, "decoder_coarse_blocks": 1,
}  # fmt: skip
CARD = {"id": "tiny", "number": 15, "title": "a test", "trained_on": []}
