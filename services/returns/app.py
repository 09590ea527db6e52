"""The returns service as a process."""

from shared.starting import loading

with loading():
    from services.returns.routes import router
    from services.returns.wiring import WIRING
    from shared.service import serve

if __name__ == "__main__":
    serve(WIRING, (router,))
