"""What is typed to make a token for a program?"""

from collections.abc import Sequence

from wtforms import SelectField, SelectMultipleField

from ...domain.users import User
from ...models import Scope
from .fields import Form, TrimmedField


class ApiTokenForm(Form):
    """`user_id` is asked of those who make tokens for others, too."""

    name = TrimmedField()
    user_id = SelectField(coerce=int)
    # What is no scope, the domain refuses.
    scopes = SelectMultipleField(
        choices=[scope.value for scope in Scope], default=[Scope.READ.value], validate_choice=False
    )

    def offer(self, users: Sequence[User], own_id: int) -> None:
        """For whom it may be: one of these, or where there are none oneself, as if nobody is chosen."""
        self.user_id.choices = [(user.id, user.name) for user in users if user.is_active] or [(own_id, "")]
        if self.user_id.data is None:
            self.user_id.data = own_id
