"""Routing in plain functions: selection of branches, schedules over epochs."""
