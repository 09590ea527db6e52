"""The reintegration service as a process."""

from shared.starting import loading

with loading():
    from services.reintegration.routes import router
    from services.reintegration.wiring import WIRING
    from shared.service import serve

if __name__ == "__main__":
    serve(WIRING, (router,))
