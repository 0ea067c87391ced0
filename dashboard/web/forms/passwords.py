"""What is typed to register, and to set a password?"""

from typing import Any

from wtforms import PasswordField, ValidationError

from ...domain.registration import Registration
from .fields import Form, TrimmedField


class NewPasswordForm(Form):
    password = PasswordField()
    password_again = PasswordField()

    def validate_password_again(self, field: Any) -> None:
        if field.data != self.password.data:
            raise ValidationError("passwords_differ")


class RegistrationForm(NewPasswordForm):
    name = TrimmedField()
    email = TrimmedField()

    def registration(self, language: str, timezone: str) -> Registration:
        return Registration(
            name=self.name.data or "",
            email=self.email.data or "",
            password=self.password.data or "",
            language=language,
            timezone=timezone,
        )


class ForgottenForm(Form):
    email = TrimmedField()
