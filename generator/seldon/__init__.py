"""What Seldon Core 1.17.1 makes of a SeldonDeployment: names, objects, admission verdicts, traps."""
