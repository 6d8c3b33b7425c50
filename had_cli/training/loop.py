"""The training loop: every method that comes with ``had`` trains by it, and any other may."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from had_cli.engine.devices import is_out_of_memory
from had_cli.errors import HadError
from had_cli.training.checkpoint import identity_of, load_state, refuse_existing_state, save_state
from had_cli.training.job import TrainingJob
from had_cli.training.logs import TrainingLog
from had_cli.training.memory import cpu_copy, moved, release_cached, samples, split
from had_cli.training.plan import TrainingPlan
from had_cli.training.reproducible import load_optimisers, reproducible
from had_cli.training.stopping import WINDOW, Patience


class TrainingLoop:
    """One training: the network of a plan, its optimiser, and the best epoch so far.

    Nothing outside seed, epoch and state decides what an epoch computes. So a training that is killed and
    resumed ends with the bytes of one that was not.

    Attributes
    ----------
    epoch : epochs done
    best_epoch : the one that is kept, 0 for the untrained network
    best_loss : its validation loss, infinite where nothing is validated
    history : for every epoch the means of its numbers, and ``held_out_loss`` where there is one
    device : where it computes now; ``cpu`` after the job's own ran out of memory
    """

    def __init__(self, job: TrainingJob, plan: TrainingPlan) -> None:
        load_optimisers()
        self.job, self.plan, self.device = job, plan, job.device
        self.epoch, self.best_epoch, self.best_loss = 0, 0, math.inf
        self.history: list[dict[str, float]] = []
        self._parts, self._shrunk, self._largest = 1, 0, 1
        self._warnings: list[str] = []
        self._averaged: AveragedModel | None = None
        self._place(job.device)
        if plan.average:
            self._averaged = AveragedModel(
                plan.network, multi_avg_fn=_running_mean(plan.average), use_buffers=True
            ).eval()
            self._averaged.n_averaged.fill_(1)  # the untrained network counts: at 0, it would be replaced
        self._best = None if plan.validate is None else self._result()
        self._patience = Patience(plan.plateau)

    @property
    def network(self) -> nn.Module:
        """The network that is validated and kept: the running mean, where there is one."""
        return self.plan.network if self._averaged is None else self._averaged.module

    @property
    def best(self) -> dict[str, Tensor]:
        """The kept tensors of the best epoch, by name, on the CPU."""
        return self._result() if self._best is None else self._best

    @property
    def finished(self) -> bool:
        """Whether the epochs are done or patience is lost."""
        plan = self.plan
        waited = plan.validate is not None and plan.patience is not None
        return (
            self.epoch >= plan.epochs
            or self._patience.over
            or (waited and self.epoch - self.best_epoch >= (plan.patience or 0))
        )

    def losses(self, name: str = "loss") -> list[float]:
        """Return a number of every epoch."""
        return [numbers[name] for numbers in self.history if name in numbers]

    def run(self, after: Callable[[Self], None] | None = None) -> Self:
        """Train, or continue, until the training is finished; call ``after`` when an epoch is.

        Raises
        ------
        HadError
            When the loss is not finite, a state cannot be resumed, or a file not be written.
        """
        folder, identity = self.job.checkpoint, {}
        if folder is not None:
            if not self.job.resume:
                refuse_existing_state(folder)
            identity = identity_of(self.job, self.plan)
            if self.job.resume and load_state(folder, identity, self._continue):
                for line in self._warnings:
                    self.job.warn(line)
        with reproducible(), TrainingLog(self.job, self.history) as log:
            while not self.finished:
                self._epoch_in_memory()
                log.add(self.history[-1])
                self._report(self.epoch, self.epoch, self.history[-1])
                if folder is not None and (self.finished or self.epoch % self.plan.checkpoint_every == 0):
                    save_state(folder, identity, self._state())
                if after is not None:
                    after(self)
        self.job.record(device=self.device)
        return self

    # -- an epoch -----------------------------------------------------------------------------------
    def _epoch_in_memory(self) -> None:
        """Train an epoch; where the device runs out of memory, go back to its beginning with less."""
        before = None if self.device == "cpu" else cpu_copy(self._state())
        while True:
            try:
                self._train_epoch()
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if before is None or self.device == "cpu":
                    raise HadError(
                        f"training of {self.plan.method}: the machine has too little memory ({error}); use "
                        "smaller batches or fewer bands"
                    ) from error
            else:
                return
            self._use_less_memory()
            self._restore(before)

    def _train_epoch(self) -> None:
        plan = self.plan
        random = np.random.default_rng([self.job.seed, plan.stream, self.epoch])
        plan.network.train()
        if plan.fresh_optimiser:
            self._renew_optimiser()
        totals: dict[str, float] = {}
        done = 0
        for _, batch in zip(range(plan.steps), plan.batches(random, self.epoch), strict=False):
            numbers = self._step(batch)
            done += 1
            for name, value in numbers.items():
                totals[name] = totals.get(name, 0.0) + value
            if done < plan.steps:
                self._report(self.epoch + 1, self.epoch + done / plan.steps, numbers)
        if done < plan.steps:
            raise HadError(f"{plan.method} gave {done} of {plan.steps} batches; an error in its plugin")
        numbers = {name: total / done for name, total in totals.items()}
        loss = None if plan.validate is None else self._validated()
        self.epoch += 1
        if loss is None:
            self.best_epoch = self.epoch
        else:
            numbers["held_out_loss"] = loss
            if loss < self.best_loss:
                self.best_epoch, self.best_loss, self._best = self.epoch, loss, self._result()
        self.history.append(numbers)
        self._patience.look([numbers["loss"] for numbers in self.history[-WINDOW:]])

    def _step(self, batch: Any) -> dict[str, float]:
        """Take one step of the optimiser; return the numbers of the batch before it."""
        plan = self.plan
        self._largest = max(1, samples(batch))
        self.optimiser.zero_grad()
        totals: dict[str, float] = {}
        for part, share in split(batch, self._parts):
            found = plan.loss(moved(part, self.device))
            terms = {"loss": found} if isinstance(found, Tensor) else found
            # together, for each by itself would wait for the device
            values = torch.stack([term.detach().float() for term in terms.values()]).tolist()
            for name, value in zip(terms, values, strict=True):
                totals[name] = totals.get(name, 0.0) + value * share
            if not math.isfinite(totals["loss"]):
                raise HadError(
                    f"training of {plan.method} diverged in epoch {self.epoch + 1} (the loss is "
                    f"{totals['loss']}); {plan.advice}"
                )
            (terms["loss"] if share == 1 else terms["loss"] * share).backward()  # type: ignore[no-untyped-call]
        if plan.clip is not None:
            nn.utils.clip_grad_norm_(plan.network.parameters(), plan.clip)
        self.optimiser.step()
        if self._scheduler is not None:
            self._scheduler.step()
        if self._averaged is not None:
            self._averaged.update_parameters(plan.network)
        return totals

    def _validated(self) -> float:
        assert self.plan.validate is not None  # noqa: S101 - asked by the caller
        with torch.no_grad():
            return float(self.plan.validate(self.network))

    def _report(self, epoch: int, done: float, numbers: Mapping[str, float]) -> None:
        """Report that so many epochs are done, and what an epoch or a step of it gave."""
        self.job.progress(self.plan.label, done / self.plan.epochs, epoch=epoch, **numbers)

    # -- memory -------------------------------------------------------------------------------------
    def _use_less_memory(self) -> None:
        """Compute batches in smaller parts; else as the method can; else on the CPU."""
        exhausted = self.device
        release_cached(exhausted)
        if self._parts < self._largest:
            self._parts *= 2
            done = f"batches of {self._largest} are computed in {self._parts} parts"
            if not self.plan.separable:
                done += ", and what is normalised or compared over a batch now is over a part"
        elif self.plan.smaller is not None and (made := self.plan.smaller()) is not None:
            self._shrunk += 1
            done = made
        else:
            done = "the training goes on on the CPU"
            self._parts = 1
            self._place("cpu")
        self._warnings.append(f"{exhausted} ran out of memory: {done}")
        self.job.warn(self._warnings[-1])

    def _place(self, device: str) -> None:
        """Move everything to a device."""
        self.device = device
        for module in (self.plan.network, *self.plan.frozen, *filter(None, [self._averaged])):
            module.to(device)
        self._renew_optimiser()

    def _renew_optimiser(self) -> None:
        self.optimiser = self.plan.optimiser()
        self._renew_schedule()

    def _renew_schedule(self) -> None:
        """Set the rates to those of the next step."""
        self._scheduler: LambdaLR | None = None
        if self.plan.schedule is not None:
            for group in self.optimiser.param_groups:
                group.setdefault("initial_lr", group["lr"])
            last = self.epoch * self.plan.steps - 1
            self._scheduler = LambdaLR(self.optimiser, self.plan.schedule, last_epoch=last)

    # -- state --------------------------------------------------------------------------------------
    def _result(self) -> dict[str, Tensor]:
        """Return a copy of the tensors that are kept."""
        return {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in self.network.state_dict().items()
            if self.plan.kept(name)
        }

    def _trained(self) -> dict[str, Tensor]:
        """Return all of the network that training may change: buffers, and parameters that learn."""
        frozen = {name for name, p in self.plan.network.named_parameters() if not p.requires_grad}
        return {n: t for n, t in self.plan.network.state_dict().items() if n not in frozen}

    def _state(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
            "history": self.history,
            "parts": self._parts,
            "shrunk": self._shrunk,
            "warnings": self._warnings,
            "device": self.device,
            "asked_device": self.job.device,
            "network": self._trained(),
            "averaged": None if self._averaged is None else self._averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self._best,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        """Go back to the networks, the optimiser and the history of a state."""
        self.epoch, self.best_epoch = state["epoch"], state["best_epoch"]
        self.best_loss, self._best = state["best_loss"], state["best"]
        self.history[:] = state["history"]
        self._patience = Patience(self.plan.plateau, self.losses())
        with torch.no_grad():
            for name, tensor in self._trained().items():
                tensor.copy_(state["network"][name])
        if self._averaged is not None:
            self._averaged.load_state_dict(state["averaged"])
        self.optimiser = self.plan.optimiser()
        # a copy: the optimiser would go on in the tensors of the state
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
        self._renew_schedule()

    def _continue(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of an earlier process."""
        self._warnings = list(state["warnings"])
        for _ in range(state["shrunk"]):
            assert self.plan.smaller is not None  # noqa: S101 - the identity is the same
            self.plan.smaller()
        self._shrunk = state["shrunk"]
        if state["asked_device"] == self.job.device:
            self._parts = state["parts"]
            if state["device"] != self.device:
                self._place(state["device"])
        else:
            self._warnings.append(
                f"the training began on {state['asked_device']} and goes on on {self.job.device}: its last "
                "digits are those of neither"
            )
        self._restore(state)


def _running_mean(decay: float) -> Callable[[Any, Any, Any], None]:
    """Return the update of a running mean, for AveragedModel."""

    def update(means: list[Tensor], now: list[Tensor], count: Tensor | int) -> None:
        # a young mean forgets faster, or it would remember the random start for long
        keep = min(decay, (1 + int(count)) / (10 + int(count)))
        if means[0].is_floating_point():
            torch._foreach_lerp_(means, now, 1 - keep)
        else:
            for mean, value in zip(means, now, strict=True):
                mean.copy_(value)

    return update
