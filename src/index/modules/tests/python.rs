use super::tree::check;

#[test]
fn relative_imports_count_dots() {
    check(
        "
        /repo/app/__init__.py
        /repo/app/flags.py
        /repo/app/sub/__init__.py
        /repo/app/sub/mod.py
        /repo/app/sub/deep/x.py
        /repo/app/typed.pyi
        /repo/app/both.py
        /repo/app/both.pyi
        /repo/app/pkg/__init__.py
        /repo/app/pkg.py",
        &[
            ("app/x.py", ".", "app/__init__.py"),
            ("app/x.py", ".flags", "app/flags.py"),
            ("app/x.py", ".sub", "app/sub/__init__.py"),
            ("app/x.py", ".sub.mod", "app/sub/mod.py"),
            ("app/sub/x.py", "..flags", "app/flags.py"),
            ("app/sub/deep/x.py", "..", "app/sub/__init__.py"),
            ("app/sub/deep/x.py", "...flags", "app/flags.py"),
            ("app/sub/deep/x.py", ".", "missing"),
            ("app/x.py", ".typed", "app/typed.pyi"),
            ("app/x.py", ".both", "app/both.py"),
            ("app/x.py", ".pkg", "app/pkg/__init__.py"),
            ("app/x.py", ".gone", "missing"),
            ("app/x.py", "....flags", "missing"),
            ("app/x.py", "............flags", "missing"),
        ],
    );
}

#[test]
fn absolute_imports_start_above_the_package() {
    check(
        "
        /repo/manage.py
        /repo/app/__init__.py
        /repo/app/models.py
        /repo/app/api/__init__.py
        /repo/app/api/views.py
        /repo/scripts/helper.py",
        &[
            ("app/api/x.py", "app.models", "app/models.py"),
            ("app/api/x.py", "app", "app/__init__.py"),
            ("app/api/x.py", "app.api.views", "app/api/views.py"),
            ("app/api/x.py", "views", "package"),
            ("app/api/x.py", "models", "package"),
            ("app/api/x.py", "app.gone", "missing"),
            ("scripts/x.py", "helper", "scripts/helper.py"),
            ("manage.py", "app.models", "app/models.py"),
            ("app/x.py", "requests.sessions", "package"),
        ],
    );
}

#[test]
fn src_is_where_imports_may_start() {
    check(
        "
        /repo/src/acme/__init__.py
        /repo/src/acme/flags.py
        /repo/tests/test_flags.py
        /repo/libs/core/src/core/__init__.py
        /repo/libs/core/src/core/a.py
        /repo/libs/core/tests/test_a.py",
        &[
            ("tests/test_flags.py", "acme.flags", "src/acme/flags.py"),
            ("src/acme/x.py", "acme.flags", "src/acme/flags.py"),
            ("libs/core/tests/test_a.py", "core", "libs/core/src/core/__init__.py"),
            ("libs/core/tests/test_a.py", "core.a", "libs/core/src/core/a.py"),
        ],
    );
}

#[test]
fn folders_without_init_are_namespaces() {
    check(
        "
        /repo/services/api/main.py
        /repo/services/api/flags.py
        /repo/services/util.py
        /repo/acme/billing/__init__.py
        /repo/acme/billing/plans.py",
        &[
            ("services/api/main.py", "services.api.flags", "services/api/flags.py"),
            ("services/api/main.py", "services.util", "services/util.py"),
            ("services/api/main.py", "services", "package"),
            ("services/api/main.py", "acme.billing.plans", "acme/billing/plans.py"),
            ("services/api/main.py", "acme.billing", "acme/billing/__init__.py"),
        ],
    );
}

#[test]
fn a_package_elsewhere_in_the_roots_counts_when_one_is_meant() {
    check(
        "
        /repo/libs/shared/shared/__init__.py
        /repo/libs/shared/shared/flags.py
        /repo/libs/one/dup/__init__.py
        /repo/libs/one/dup/a.py
        /repo/libs/two/dup/__init__.py
        /repo/libs/two/dup/a.py
        /repo/libs/two/dup/b.py
        /repo/services/api/main.py
        /repo/services/web/app/__init__.py
        /repo/services/web/app/celery/__init__.py
        /repo/services/web/app/celery/app.py
        /repo/services/web/loose/thing.py",
        &[
            ("services/api/main.py", "shared.flags", "libs/shared/shared/flags.py"),
            ("services/api/main.py", "shared", "package"),
            ("services/api/main.py", "dup.a", "package"),
            ("services/api/main.py", "dup.b", "libs/two/dup/b.py"),
            ("services/api/main.py", "celery.app", "package"),
            ("services/api/main.py", "loose.thing", "package"),
        ],
    );
}

#[test]
fn parts_of_a_monorepo_share_a_namespace() {
    check(
        "
        /repo/src/common/acme/common/__init__.py
        /repo/src/common/acme/common/models.py
        /repo/src/mail/acme/mail/__init__.py
        /repo/src/mail/acme/mail/sub/__init__.py
        /repo/src/mail/acme/mail/sub/x.py",
        &[
            ("src/mail/acme/mail/api.py", "acme.common.models", "src/common/acme/common/models.py"),
            ("src/mail/acme/mail/api.py", "acme.common", "src/common/acme/common/__init__.py"),
            ("src/common/acme/common/x.py", "acme.mail.sub.x", "src/mail/acme/mail/sub/x.py"),
            ("src/common/acme/common/x.py", "acme.gone.x", "package"),
            ("src/common/acme/common/x.py", "acme", "package"),
        ],
    );
}

#[test]
fn a_folder_called_like_the_sdk_is_meant_only_where_it_can_be_imported() {
    check(
        "
        /repo/app/x.py
        /repo/one/posthog/__init__.py
        /repo/one/posthog/client.py
        /repo/one/main.py
        /repo/two/__init__.py
        /repo/two/posthog.py
        /repo/two/x.py
        /repo/three/posthog/notes.txt
        /repo/four/posthog.py from posthog import Posthog",
        &[
            ("app/x.py", "posthog", "package"),
            ("app/x.py", "posthog.client", "package"),
            ("one/main.py", "posthog", "one/posthog/__init__.py"),
            ("one/main.py", "posthog.client", "one/posthog/client.py"),
            ("one/posthog/client.py", "posthog", "one/posthog/__init__.py"),
            ("two/x.py", "posthog", "package"),
            ("two/posthog.py", "posthog", "package"),
            ("two/x.py", ".posthog", "two/posthog.py"),
            ("three/x.py", "posthog", "package"),
            ("four/x.py", "posthog", "package"),
            ("four/posthog.py", "posthog", "package"),
        ],
    );
}

#[test]
fn the_standard_library_goes_before_files_of_its_names() {
    check(
        "
        /repo/logging.py
        /repo/types/a.py
        /repo/email/__init__.py
        /repo/email/ours.py
        /repo/x/queue/worker.py",
        &[
            ("main.py", "logging", "package"),
            ("main.py", "types", "package"),
            ("main.py", "types.a", "package"),
            ("main.py", "email", "package"),
            ("main.py", "email.ours", "email/ours.py"),
            ("main.py", "email.utils", "package"),
            ("main.py", "queue.worker", "package"),
        ],
    );
}

#[test]
fn the_virtual_environment_is_searched() {
    check(
        "
        /repo/.venv/lib/python3.12/site-packages/posthog/__init__.py
        /repo/.venv/lib/python3.12/site-packages/posthog/client.py
        /repo/.venv/lib/python3.12/site-packages/typed/__init__.pyi
        /repo/.venv/lib/python3.12/site-packages/redis/__init__.py
        /repo/win/.venv/Lib/site-packages/flask/__init__.py
        /repo/redis/tasks.py
        /repo/redis.py",
        &[
            ("app/x.py", "posthog", "installed .venv/lib/python3.12/site-packages/posthog/__init__.py"),
            ("app/x.py", "posthog.client", "installed .venv/lib/python3.12/site-packages/posthog/client.py"),
            ("app/x.py", "typed", "package"),
            ("app/x.py", "redis", "installed .venv/lib/python3.12/site-packages/redis/__init__.py"),
            ("win/x.py", "flask", "installed win/.venv/Lib/site-packages/flask/__init__.py"),
            ("x.py", "flask", "package"),
            (
                ".venv/lib/python3.12/site-packages/posthog/__init__.py",
                ".client",
                "installed .venv/lib/python3.12/site-packages/posthog/client.py",
            ),
        ],
    );
}
