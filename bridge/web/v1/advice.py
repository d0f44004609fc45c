"""What answers advise, in the API's own words where the command line has others."""

from bridge.domain.desired.anyway import Anyway

OFFLINE = '"offline": true'
ANYWAY = Anyway('"allow_removals": {}', '"allow_irrevocable": {}')
