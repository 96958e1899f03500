"""Where instructions come in: two topics and a service, into the list of active instructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

from sam3i_ros.health import Health, Severity
from sam3i_ros.instructions import InstructionList, entry_from_message
from sam3i_ros.msg import Instruction
from sam3i_ros.srv import SetInstructions

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

# A planner clears and adds 64 at once, the most that max_instructions can be; what does not fit
# would be lost unseen, the CLEAR first.
BURST = 100  # messages


class InstructionTopics:
    """Subscribes and serves until it is closed; calls `on_change` after every change."""

    def __init__(
        self,
        node: Node,
        active: InstructionList,
        health: Health,
        on_change: Callable[[], None],
        group: CallbackGroup,
    ) -> None:
        self._node = node
        self._group = group
        self._active = active
        self._health = health
        self._on_change = on_change
        self._subscriptions: list[Any] = []
        # Two subscriptions a topic: a transient local one gets what a planner said before this
        # node came up, but never hears a planner with ROS's default, volatile durability. What is
        # heard twice does no harm, as instructions are absolute.
        for durability in (DurabilityPolicy.TRANSIENT_LOCAL, DurabilityPolicy.VOLATILE):
            self._subscribe(Instruction, "~/instruction", self._instruction, BURST, durability)
            self._subscribe(String, "~/instruction_text", self._text, 1, durability)
        self._service = node.create_service(
            SetInstructions,
            "~/set_instructions",
            self._set_instructions,
            callback_group=group,
        )

    def close(self) -> None:
        """Unsubscribes and ends the service."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._node.destroy_service(self._service)

    def _subscribe(
        self,
        message_type: type,
        topic: str,
        callback: Callable[[Any], None],
        depth: int,
        durability: DurabilityPolicy,
    ) -> None:
        subscription = self._node.create_subscription(
            message_type,
            topic,
            callback,
            QoSProfile(depth=depth, durability=durability),
            callback_group=self._group,
            # One of the two never fits a volatile publisher: no warning about that. The other
            # fits all but a best-effort one, which has to be told that nobody hears it.
            event_callbacks=SubscriptionEventCallbacks(
                use_default_callbacks=durability is DurabilityPolicy.VOLATILE
            ),
        )
        self._subscriptions.append(subscription)

    def _text(self, message: String) -> None:
        self._active.hear_text(message.data)
        self._on_change()

    def _instruction(self, message: Instruction) -> None:
        try:
            self._active.hear(message)
        except ValueError as error:
            self._health.fault("instructions.operation", Severity.WARN, str(error))
        self._on_change()

    def _set_instructions(
        self, request: SetInstructions.Request, response: SetInstructions.Response
    ) -> SetInstructions.Response:
        entries = self._active.replace(map(entry_from_message, request.instructions))
        rejected = sum(bool(e.rejected) for e in entries)
        response.results = [e.result() for e in entries]
        response.success = rejected == 0
        response.message = f"{len(entries) - rejected} of {len(entries)} instructions are active"
        self._on_change()
        return response
