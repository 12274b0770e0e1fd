"""What a demo did under each stage of a load, measured from outside: Markdown and JSON."""
