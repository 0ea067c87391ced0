"""What is typed in to sign in and to set Vestnik up?"""

from typing import Any

from wtforms import BooleanField, HiddenField, PasswordField, ValidationError

from ...domain.users import NewUser
from ...models import Role
from .fields import Form, TrimmedField


class SignInForm(Form):
    login = TrimmedField()
    password = PasswordField()
    remember = BooleanField()
    next = HiddenField()


class SetupForm(Form):
    name = TrimmedField()
    email = TrimmedField()
    password = PasswordField()
    password_again = PasswordField()

    def validate_password_again(self, field: Any) -> None:
        if field.data != self.password.data:
            raise ValidationError("passwords_differ")

    def new_user(self, language: str, timezone: str) -> NewUser:
        return NewUser(
            name=self.name.data or "",
            email=self.email.data or "",
            password=self.password.data or "",
            role=Role.ADMINISTRATOR,
            language=language,
            timezone=timezone,
        )
