"""Role `calls`: writes an entry for each call to a CRM."""

import json
from urllib.parse import quote

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import http_client, settings
from wit_world.imports.http_client import Header, HttpError_Forbidden, OutboundRequest
from wit_world.imports.plugin_types import Error_Failed, Error_Unavailable


class Calls(exports.Calls):
    def log_call(self, call):
        # The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
        # configuration.
        crm = settings.get("crm")
        if crm is None:
            raise Err(Error_Failed("the setting `crm` is missing"))
        entry = {
            "direction": call.direction.name.lower(),
            "status": call.status,
            "worker": call.worker,
            "customer": call.customer_address,
            "started_at": call.started_at,
            "seconds": call.duration_seconds,
            "recording": call.recording.url if call.recording else None,
        }
        # After a failure the gateway calls again, and the entry may exist: PUT under the call's SID replaces it.
        status = put(f"{crm}/calls/{quote(call.call_sid, safe='')}", entry)
        if not 200 <= status < 300:
            error = Error_Unavailable if status == 429 or status >= 500 else Error_Failed
            raise Err(error(f"the CRM answered {status}"))


def put(url, value):
    """Sends JSON, and returns the status."""
    headers = [Header("content-type", "application/json")]
    try:
        return http_client.send(OutboundRequest("PUT", url, headers, json.dumps(value).encode(), None)).status
    except Err as error:
        if isinstance(error.value, HttpError_Forbidden):
            raise Err(Error_Failed(error.value.value)) from None
        raise Err(Error_Unavailable(f"no answer from the CRM: {error.value}")) from None
