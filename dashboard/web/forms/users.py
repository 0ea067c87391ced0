"""What does an administrator say of a user?"""

from wtforms import BooleanField, SelectField

from ...domain.user_administration import UserDraft
from ...domain.user_rules import LANGUAGES
from ...domain.users import User
from ...models import Role
from .fields import Form, TrimmedField


class UserForm(Form):
    """What is no role and no language, the domain refuses."""

    name = TrimmedField()
    email = TrimmedField()
    role = SelectField(choices=[role.value for role in Role], default=Role.OPERATOR.value, validate_choice=False)
    may_launch = BooleanField(default=True)
    language = SelectField(choices=list(LANGUAGES), validate_choice=False)
    timezone = TrimmedField()
    by_mail = BooleanField(default=True)

    def show(self, user: User) -> None:
        """Fill in what is known."""
        self.name.data, self.email.data = user.name, user.email
        self.role.data, self.may_launch.data = user.role.value, user.may_launch
        self.language.data, self.timezone.data = user.language, user.timezone

    def draft(self) -> UserDraft:
        return UserDraft(
            name=self.name.data or "",
            email=self.email.data or "",
            role=self.role.data or "",
            may_launch=bool(self.may_launch.data),
            language=self.language.data or "",
            timezone=self.timezone.data or "",
        )


class DeletionForm(Form):
    receiver = SelectField(coerce=int, validate_choice=False)
