"""Alarms by e-mail: the rules of deploy/prometheus/alerts.yaml, held against what every process tells of itself."""
