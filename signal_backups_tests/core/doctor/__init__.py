"""Tests of the doctor: healthy set-ups, and one fault after the other."""
