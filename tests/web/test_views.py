"""Saved views: a name for the filters of a list, for oneself and for one's team."""

from sqlalchemy import text, update

from crm_core.user import User

API = "/api/v1"


async def ok(answer, status: int = 200):
    said = await answer.text()
    assert answer.status == status, said
    return await answer.json() if said else None


async def test_the_filters_of_a_list_are_kept_under_a_name_and_forgotten(client_of) -> None:
    operator = await client_of("operator")
    page = await (await operator.get("/orders?status=new&query=")).text()
    assert "Keep as a view" in page and 'value="status=new"' in page
    form = {"page": "/orders", "query": "status=new&after=abc", "name": "New ones <b>"}
    kept = await operator.post("/views", data=form, allow_redirects=False)
    assert kept.headers["Location"] == "/orders?status=new&done=saved"
    page = await (await operator.get("/orders?status=new")).text()
    assert "New ones &lt;b&gt;" in page and "Forget this view" in page and "Keep as a view" not in page
    assert "New ones" not in await (await operator.get("/deals")).text()
    [view] = await ok(await operator.get(f"{API}/views?page=/orders"))
    assert (await operator.get(view["address"])).status == 200
    again = {"page": "/orders", "query": "status=done", "name": "New ones <b>"}
    assert (await ok(await operator.post(f"{API}/views", json=again), 201))["id"] == view["id"]
    await operator.post(f"/views/{view['id']}/remove")
    assert await ok(await operator.get(f"{API}/views?page=/orders")) == []


async def test_a_shared_view_is_seen_by_the_team_and_forgotten_by_its_owner_alone(
    client_of, people, database
) -> None:
    operator, senior, manager = [await client_of(role) for role in ("operator", "senior", "manager")]
    given = {"page": "/calls", "query": "missed=any", "name": "Missed", "shared": True}
    assert (await operator.post(f"{API}/views", json=given)).status == 409  # in no team
    async with database.begin() as session:
        team = await session.scalar(text("INSERT INTO teams (name) VALUES ('North') RETURNING id"))
        mates = User.login.in_(("operator", "senior"))
        await session.execute(update(User).where(mates).values(team_id=team))
    made = await ok(await operator.post(f"{API}/views", json=given), 201)
    [seen] = await ok(await senior.get(f"{API}/views?page=/calls"))
    assert seen["id"] == made["id"] and seen["shared"] and not seen["own"]
    assert await ok(await manager.get(f"{API}/views?page=/calls")) == []
    assert (await senior.delete(f"{API}/views/{made['id']}")).status == 403
    assert (await operator.delete(f"{API}/views/{made['id']}")).status == 204


async def test_a_view_without_a_filter_is_refused(client_of) -> None:
    operator = await client_of("operator")
    for query in ("", "after=abc", "query=%20"):
        answer = await operator.post(f"{API}/views", json={"page": "/calls", "query": query, "name": "All"})
        assert answer.status == 409, query
