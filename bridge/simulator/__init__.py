"""Apple's API, an MDM server like MicroMDM, and devices, all simulated.

For the demonstration and the tests; the program that serves never imports it. Begin with `world`
(`build_world`), `serve` (`run`), `apple.http` and `mdm.http` (WSGI applications), `faults`.
"""
