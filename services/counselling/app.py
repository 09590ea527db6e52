"""The counselling service as a process."""

from shared.starting import loading

with loading():
    from services.counselling.routes import router
    from services.counselling.wiring import WIRING
    from shared.service import serve

if __name__ == "__main__":
    serve(WIRING, (router,))
