"""Routing as plain functions: routes, thresholds, selection of branches, schedules."""
