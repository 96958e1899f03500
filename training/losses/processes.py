"""What the losses need of the other training processes; alone, all of it does nothing."""

from __future__ import annotations

import torch
from torch import distributed


def process_count() -> int:
    """Processes that train together; 1 without a process group."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def summed(value: torch.Tensor) -> torch.Tensor:
    """Sum of a tensor over the processes."""
    if process_count() > 1:
        value = value.clone()
        distributed.all_reduce(value)
    return value


def mean_count(count: float, device: torch.device) -> torch.Tensor:
    """Mean of a count over the processes, a float32 scalar.

    A sum divided by it, averaged over the processes as DistributedDataParallel averages gradients,
    is the sum over everything divided by the count of everything.
    """
    return summed(torch.tensor(float(count), device=device)) / process_count()


def gather_rows(*tensors: torch.Tensor) -> tuple[list[torch.Tensor], int]:
    """All processes' rows of each tensor (B, ...), by rank, and the number of the first own row.

    B may differ from process to process. Gradients reach the process a row came from.
    """
    if process_count() == 1:
        return list(tensors), 0
    device = tensors[0].device
    counts = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(process_count())]
    distributed.all_gather(counts, torch.tensor([len(tensors[0])], device=device))
    rows = [int(count) for count in counts]
    return [_Gather.apply(tensor, rows) for tensor in tensors], sum(rows[: distributed.get_rank()])


class _Gather(torch.autograd.Function):
    """Gather whose gradient is the sum of what all processes send back."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, own: torch.Tensor, rows: list[int]
    ) -> torch.Tensor:
        ctx.rows = rows  # type: ignore[attr-defined]
        padded = own.new_zeros(max(rows), *own.shape[1:])  # equal sizes, as the backends want them
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in rows]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, rows, strict=True)])

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, None]:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(gradient)
        rows: list[int] = ctx.rows  # type: ignore[attr-defined]
        return gradient.split(rows)[distributed.get_rank()], None
