"""Apple's API, an MDM server like MicroMDM, and devices, all simulated.

For the demonstration and the tests; the program that serves never imports it. Begin with `world`
(`build_world`), `serve` (`run`), `apple_http` and `mdm_http` (WSGI applications), `faults`.
"""
