"""Role `outgoing`: selects the number that a new conversation is sent from."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import settings
from wit_world.imports.plugin_types import Error_Invalid, Error_NotFound

import customers


class Outgoing(exports.Outgoing):
    def proxy_address(self, request):
        if customers.find(request.worker, request.customer_id) is None:
            raise Err(Error_NotFound())
        # The operator's setting `number`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
        # configuration.
        number = settings.get("number") or "+12025550199"
        match request.channel.kind:
            case "sms":
                return number
            case "whatsapp":
                return f"whatsapp:{number}"
            case other:
                raise Err(Error_Invalid(f"no number for {other}"))
