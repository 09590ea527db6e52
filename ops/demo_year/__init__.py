"""The demo: an invented year of the mission, with the figures that it published for 2023."""
