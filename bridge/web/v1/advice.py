"""What answers advise, in the API's own words where the command line has others."""

OFFLINE = '"offline": true'
ALLOW_REMOVALS = '"allow_removals": {}'
