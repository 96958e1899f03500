"""What the losses need of the other training processes; alone, all of it does nothing."""

from __future__ import annotations

import torch
from torch import distributed


def process_count() -> int:
    """Processes that train together; 1 without a process group."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def mean_count(count: float, device: torch.device) -> torch.Tensor:
    """Mean of a count over the processes, a float32 scalar.

    A sum divided by it, averaged over the processes as DistributedDataParallel averages gradients,
    is the sum over everything divided by the count of everything.
    """
    value = torch.tensor(float(count), device=device)
    if process_count() > 1:
        distributed.all_reduce(value)
        value /= process_count()
    return value


def gather_rows(*tensors: torch.Tensor) -> tuple[list[torch.Tensor], int]:
    """All processes' rows of each tensor (B, ...), by rank, and the number of the first own row.

    Gradients reach the process a row came from.

    Raises:
        ValueError: The processes have different B.
    """
    if process_count() == 1:
        return list(tensors), 0
    rows = len(tensors[0])
    most_and_least = torch.tensor([rows, -rows], device=tensors[0].device)
    distributed.all_reduce(most_and_least, distributed.ReduceOp.MAX)
    if most_and_least.sum() != 0:
        raise ValueError("all processes must have equally many texts in a batch")
    return [_Gather.apply(tensor) for tensor in tensors], distributed.get_rank() * rows


class _Gather(torch.autograd.Function):
    """Gather whose gradient is the sum of what all processes send back."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, rows: torch.Tensor) -> torch.Tensor:
        parts = [torch.empty_like(rows) for _ in range(process_count())]
        distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(gradient)
        return gradient.chunk(process_count())[distributed.get_rank()]
