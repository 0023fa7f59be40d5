"""Parameter sets of H.264 packets."""

from live.recording.h264 import parameter_sets


def test_sets_that_a_server_repeats_in_one_packet_are_the_same_sets():
    once = bytes.fromhex("00000109f000000001674200000168ce00000165888400")
    twice = bytes.fromhex("00000109f000000001674200000168ce0000000167420000000168ce00000165888400")
    assert parameter_sets(twice) == parameter_sets(once)
