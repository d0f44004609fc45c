"""An MDM server like MicroMDM, simulated; and the road to a real one."""
