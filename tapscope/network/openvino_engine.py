"""OpenVINO on the CPU: the fast engine where there is no GPU."""

import numpy as np
from numpy.typing import NDArray

from tapscope.network.device import cores
from tapscope.network.engine import Engine, Look
from tapscope.network.openvino_model import load_model
from tapscope.network.openvino_runtime import openvino
from tapscope.network.weights import Weights
from tapscope.records import FloatArray


class OpenVinoEngine(Engine):
    """One compiled network per image size, one image per request.

    The peaks of the heatmaps are found in the compiled network: outside they would take longer
    than the network itself on a processor that computes in bfloat16.

    Requests run in parallel on one thread each: small heatmaps do not keep two cores busy, and a
    fixed division of work gives the same bits every time.
    """

    def __init__(self, weights: Weights, threads: int = 0) -> None:
        super().__init__(weights)
        self._core = openvino.Core()
        loaded = load_model(self._core, weights, self.fingertips)
        self.stride, self.size_divisor = loaded.stride, loaded.size_divisor
        self._model = loaded.model
        self._compiled: dict[tuple[int, int], openvino.AsyncInferQueue] = {}
        self._threads = threads or cores()
        self.name = f"openvino {openvino.__version__.split('-')[0]} cpu"
        # Fixed, because what shares a batch must not depend on the machine's cores.
        self.batch_size = 8

    def heatmaps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the heatmaps, see `Engine.heatmaps`."""
        kept = self._empty_heatmaps(pixels)
        self._run(pixels, kept=kept)
        return kept

    def _look(self, pixels: NDArray[np.uint8], *, keeps_heatmaps: bool) -> Look:
        kept = self._empty_heatmaps(pixels) if keeps_heatmaps else None
        return Look(kept, self._completed(self._run(pixels, kept=kept)))

    def _look_again(
        self, mirrored: NDArray[np.uint8], heatmaps: NDArray[np.float32]
    ) -> list[FloatArray]:
        peaks = self._completed(self._run(mirrored, heatmaps[..., ::-1]))
        for position_px in (peaks[0], peaks[3]):  # x in the image that is not mirrored
            position_px[..., 0] = mirrored.shape[2] - 1 - position_px[..., 0]
        return peaks

    def _completed(self, found: list[NDArray[np.float32]]) -> list[FloatArray]:
        """Return all fields of `heatmap.HeatmapPeaks`: without fingertips the last two are not
        computed."""
        peaks = [values.astype(np.float64) for values in found]
        if not self.fingertips:
            images = len(peaks[0])
            peaks += [np.zeros((images, 0, 0, 2)), np.zeros((images, 0, 0))]
        return peaks

    def _queue(self, size: tuple[int, int]) -> openvino.AsyncInferQueue:
        if size not in self._compiled:
            model = self._model.clone()
            heatmaps = [1, len(self.card.keypoints), *(side // self.stride for side in size)]
            model.reshape({0: [1, *size, 3], 1: heatmaps, 2: [1]})
            compiled = self._core.compile_model(
                model,
                "CPU",
                {
                    "PERFORMANCE_HINT": "THROUGHPUT",
                    "NUM_STREAMS": self._threads,
                    "INFERENCE_NUM_THREADS": self._threads,
                    # Pinned, the threads of all workers would share the first cores.
                    "ENABLE_CPU_PINNING": False,
                },
            )
            self._compiled[size] = openvino.AsyncInferQueue(compiled, self._threads)
        return self._compiled[size]

    def _empty_heatmaps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        count, *sides = pixels.shape[:3]
        shape = (count, len(self.card.keypoints), *(side // self.stride for side in sides))
        return np.empty(shape, np.float32)

    def _run(
        self,
        pixels: NDArray[np.uint8],
        other: NDArray[np.float32] | None = None,
        kept: NDArray[np.float32] | None = None,
    ) -> list[NDArray[np.float32]]:
        """Return the peaks that the model finds in some images, see `openvino_model`.

        Parameters
        ----------
        pixels
            See `heatmaps`.
        other
            Heatmaps to average with; None for none.
        kept
            Where to write the heatmaps; None if nobody needs them, for copies of them take a tenth
            of the network's time.
        """
        count = len(pixels)
        queue = self._queue((pixels.shape[1], pixels.shape[2]))
        answers: list[list[NDArray[np.float32]]] = [[] for _ in range(count)]

        def store(request: openvino.InferRequest, index: int) -> None:
            # copied, because the next request uses the same memory
            heatmaps, *peaks = request.output_tensors
            answers[index] = [one.data.copy() for one in peaks]
            if kept is not None:
                kept[index] = heatmaps.data[0]

        queue.set_callback(store)
        nothing = np.zeros_like(self._empty_heatmaps(pixels[:1]))
        share = np.array([0.0 if other is None else 0.5], np.float32)
        others = None if other is None else np.ascontiguousarray(other)
        for index in range(count):
            image = pixels[index : index + 1]
            average = nothing if others is None else others[index : index + 1]
            # shared: what is read here outlives the requests, so no copy is needed
            queue.start_async({0: image, 1: average, 2: share}, index, share_inputs=True)
        queue.wait_all()
        return [np.concatenate(parts) for parts in zip(*answers, strict=True)]
