"""How fast is Vestnik, next to what is possible and to what is usual? docs/performance.md explains it."""
