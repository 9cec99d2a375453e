"""OpenVINO without its usage statistics.

Left to itself, openvino reports every import and every conversion to its maker, and leaves an
identity of the user in the home folder. It does without where the package that reports cannot be
imported.
"""

import sys

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as openvino  # noqa: E402, PLC0414 - handed on to who imports it from here
