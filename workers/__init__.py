"""The training side: processes that claim experiments, train them, and store what they find. It never speaks HTTP."""
