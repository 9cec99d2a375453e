"""OpenVINO with its usage statistics switched off.

By default openvino reports every import and every conversion to its maker, and writes a user id
into the home folder. It stays silent when the package openvino_telemetry cannot be imported.
"""

import sys

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as openvino  # noqa: E402, PLC0414 - re-exported
