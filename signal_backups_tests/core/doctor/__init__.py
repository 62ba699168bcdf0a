"""Tests of the doctor: healthy installations, and installations with one fault each."""
