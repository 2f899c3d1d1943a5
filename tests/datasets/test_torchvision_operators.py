"""The import of torchvision's data sets."""

import subprocess
import sys

SCRIPT = """
import threading
from service.torchvision_operators import import_torchvision_datasets

modules, failures = [], []

def work():
    try:
        modules.append(import_torchvision_datasets())
    except Exception as error:
        failures.append(error)

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not failures, failures
assert len(modules) == 4 and len(set(modules)) == 1
print(modules[0].MNIST.__name__, modules[0].USPS.__name__, import_torchvision_datasets() is modules[0])
"""


def test_torchvision_is_imported_once_from_many_threads_and_without_a_warning() -> None:
    answer = subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (answer.stdout, answer.stderr) == ("MNIST USPS True\n", "")


def test_a_torchvision_that_is_imported_already_is_left_alone() -> None:
    script = (
        "import sys, types\n"
        "from service import torchvision_operators\n"
        "sys.modules['torchvision'] = types.ModuleType('torchvision')\n"
        "sys.modules['torchvision.datasets'] = types.ModuleType('torchvision.datasets')\n"
        "assert torchvision_operators.import_torchvision_datasets() is sys.modules['torchvision.datasets']\n"
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
