"""starter-name: a Frontgate plugin. A class for each role, named like the role.

Every call runs in a fresh instance, a copy of what there was when the plugin was built: what is kept in memory is gone
after the answer. What shall stay goes into `wit_world.imports.state`.
"""

from channel import Channel  # @channel
from conversations import Conversations  # @conversations
from crm import Crm  # @crm
from outgoing import Outgoing  # @outgoing
from routing import Routing  # @routing
from templates import Templates  # @templates
