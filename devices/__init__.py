"""Drivers: the lab as ophyd sees it. Imports nothing else of labctl."""
