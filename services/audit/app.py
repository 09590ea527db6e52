"""The audit service as a process."""

from shared.starting import loading

with loading():
    from services.audit.routes import router
    from services.audit.wiring import WIRING
    from shared.service import serve

if __name__ == "__main__":
    serve(WIRING, (router,))
