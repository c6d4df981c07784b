"""Reads the fleet, carries orders and credit, and reports what it saw; decides nothing about money."""
