"""What may somebody change of their own account?"""

from wtforms import PasswordField, SelectField

from ...domain.user_rules import LANGUAGES, THEMES
from .fields import Form, TrimmedField
from .passwords import NewPasswordForm


class DetailsForm(Form):
    """Ids of their own, as the page has other fields of these names."""

    name = TrimmedField(id="details-name")
    email = TrimmedField(id="details-email")
    current = PasswordField(id="details-current")


class OwnPasswordForm(NewPasswordForm):
    current = PasswordField()


class LookForm(Form):
    """What is none of these, the domain refuses."""

    language = SelectField(choices=list(LANGUAGES), validate_choice=False)
    theme = SelectField(choices=list(THEMES), validate_choice=False)
    timezone = TrimmedField()
