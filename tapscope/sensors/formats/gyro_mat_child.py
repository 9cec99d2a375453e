"""Script run by the MATLAB reader in a process of its own: fields argv[2:] of argv[1] as .npz."""

import io
import sys

import numpy as np
import scipy.io


def main() -> None:
    """Read those of the fields named on the command line that the file has."""
    path, *wanted = sys.argv[1:]
    found = scipy.io.loadmat(path, variable_names=wanted, verify_compressed_data_integrity=True)
    arrays = {name: np.asarray(found[name]) for name in wanted if name in found}
    packed = io.BytesIO()
    # npz would pickle what is no number: the name of its type is enough for the message.
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu":
            arrays[name] = np.array(str(array.dtype))
    np.savez(packed, allow_pickle=False, **arrays)
    sys.stdout.buffer.write(packed.getvalue())


if __name__ == "__main__":
    main()
