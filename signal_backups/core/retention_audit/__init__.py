"""The retention audit: every day of the retention window held against what the profile promises."""
