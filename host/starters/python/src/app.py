"""starter-name: a Frontgate plugin. Each role is a class of the same name.

Every call runs in a fresh instance, a copy of the state after the build: data in memory does not survive the call. Use
`wit_world.imports.state` to store data.
"""

from calls import Calls  # @calls
from channel import Channel  # @channel
from conversations import Conversations  # @conversations
from crm import Crm  # @crm
from crm_source import CrmSource  # @crm-source
from outgoing import Outgoing  # @outgoing
from routing import Routing  # @routing
from templates import Templates  # @templates
