"""Pure functions of arrays: splines, stable elementary functions, linear algebra. No modules, no state."""
