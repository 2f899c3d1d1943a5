"""What holds for all tests: settings of a service on this machine are not the tests' settings."""

import os

KEPT = "ARDOISE_DATA_DIR"
"""Says where real data lies, which some tests read."""

for _name in [name for name in os.environ if name.startswith("ARDOISE_") and name != KEPT]:
    del os.environ[_name]
