"""Every staff page in a real browser: safe from what callers write, usable by everybody."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from config.staff.links import act_url, page_url
from models_registry.models import Job, Model, ModelVersion
from subscriptions.models import Revalidation
from tests.config.staff.rows import all_pages, end, make_rows, make_run
from tests.factories import ask_inference, make_active_model, make_subscription

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCRIPT = (
    "</script><script>window.ran = 1</script>"
    "<img src=x onerror=\"window.ran = 1\">'\"><svg onload='window.ran = 1'>"
    "<b x-data x-init='window.ran = 1'></b>{{ 7 * 7 }}"
)
# What only such a text could have put into a page.
PLANTED = "img[src=x], svg[onload], b[x-data], script:not([src]):not([type='application/json'])"


def test_no_page_runs_what_callers_wrote(open_as_staff):
    """The policy alone would stop such scripts; so the elements must not be there either."""
    make_rows(SCRIPT)
    make_run(version=SCRIPT[:128])
    page = open_as_staff()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    for address in all_pages():
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert page.evaluate("window.ran") is None, address
        assert page.locator(PLANTED).count() == 0, address
        assert page.evaluate("window.refused") == [], address
    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_has_labels_contrast_and_an_order(open_as_staff, scheme):
    make_rows("A text")
    make_run()
    page = open_as_staff(scheme=scheme)
    axe = Axe()

    for address in all_pages():
        page.goto(address)
        assert page.evaluate("window.refused") == [], address
        found = axe.run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], address


def test_no_page_is_wider_than_a_narrow_screen(open_as_staff):
    make_rows("A_rather_long_text_without_any_place_to_break_it_" * 6)
    page = open_as_staff(narrow=True)

    for address in all_pages():
        page.goto(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{address}: {width}"


def test_progress_moves_without_reloading(open_as_staff):
    make_rows("A text")
    run = make_run()
    page = open_as_staff()
    page.goto("/admin/")
    page.evaluate("window.same_page = true")
    bar = page.locator(f"[data-run='{run.pk}'] progress")
    assert bar.evaluate("bar => bar.value") == 10

    Revalidation.objects.filter(pk=run.pk).update(checked=60, invalid=2)
    page.get_by_text("60 of 100 checked, 2 invalid").wait_for()
    assert bar.evaluate("bar => bar.value") == 60

    Revalidation.objects.update(due_at=None, status="success")
    page.get_by_text("None in progress.").wait_for()
    assert page.evaluate("window.same_page") is True


def test_the_page_of_a_revalidation_follows_it_alone_until_it_has_ended(open_as_staff):
    make_active_model("first")
    run, _ = make_run(), make_run(version="other")
    page = open_as_staff()
    page.goto(page_url(run))
    assert page.locator("[data-run]").count() == 1

    Revalidation.objects.filter(pk=run.pk).update(checked=60, invalid=2)
    page.get_by_text("60 of 100 checked, 2 invalid").wait_for()
    assert page.locator("progress").evaluate("bar => bar.value") == 60

    Revalidation.objects.filter(pk=run.pk).update(due_at=None, status="success")
    page.get_by_text("It has ended").wait_for()


def test_a_jobs_page_follows_it_until_it_has_ended(open_as_staff):
    make_active_model("first")
    make_active_model("second")
    make_subscription("first", "second", trigger_event="inference_complete")
    job = ask_inference("first")
    page = open_as_staff()
    page.goto(page_url(job))
    page.evaluate("window.same_page = true")
    assert page.get_by_text("Nothing yet.").is_visible()
    assert page.get_by_role("link", name="Cancel…").is_visible()

    end(job, status="success", output={"score": SCRIPT})
    page.get_by_role("link", name="second 1 inference").wait_for()
    assert page.locator("#job-state[data-running]").count() == 1
    assert page.locator(PLANTED).count() == 0

    end(Job.objects.get(model_id="second"), status="failure", error={"code": "x", "message": "y"})
    page.locator("#job-state:not([data-running])").wait_for()
    assert page.get_by_role("link", name="Cancel…").count() == 0
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []
    assert page.evaluate("window.same_page") is True


def test_the_colour_scheme_that_was_chosen_stays(open_as_staff):
    page = open_as_staff()
    page.goto("/admin/")
    assert "dark" not in page.locator("html").get_attribute("class")

    page.get_by_role("button", name="Dark").click()
    page.wait_for_function("document.documentElement.classList.contains('dark')")
    page.goto("/admin/models_registry/model/")
    assert "dark" in page.locator("html").get_attribute("class")


def test_a_roll_back_takes_nothing_but_the_keyboard(open_as_staff):
    make_rows("A text")
    first = ModelVersion.objects.get(model_id="second", version="1")
    Model.objects.filter(pk="second").update(current_version=None)
    page = open_as_staff()
    page.goto(page_url(first.model))

    page.locator(f"a[href='{act_url(first, 'activate')}']").focus()
    page.keyboard.press("Enter")
    page.get_by_text("becomes current; events run it").wait_for()
    page.get_by_role("button", name="Activate").focus()
    page.keyboard.press("Enter")

    page.get_by_text("Version 1 of second is current.").wait_for()
    assert Model.objects.get(pk="second").current_version == first


def test_on_a_narrow_screen_the_navigation_opens_and_closes(open_as_staff):
    page = open_as_staff(narrow=True)
    page.goto("/admin/")
    navigation = page.get_by_role("navigation", name="Main")
    assert not navigation.is_visible()

    page.get_by_role("button", name="Show the navigation").click()
    navigation.wait_for()
    page.keyboard.press("Escape")
    navigation.wait_for(state="hidden")


def test_staff_log_in_with_a_password(browser, live_server, staff):
    page = browser.new_page(base_url=live_server.url)
    page.goto("/admin/models_registry/job/")
    page.get_by_label("User").fill("staff of None")
    page.get_by_label("Password").fill("not a secret")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Jobs").wait_for()
    page.get_by_role("button", name="Log out").click()
    page.goto("/admin/")
    page.get_by_role("heading", name="Staff login").wait_for()
    page.close()
