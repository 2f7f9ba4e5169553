"""What is stored in one language and spelling is found in another spelling of the same."""

import pytest

from tests.memory.notebook import Notebook

pytestmark = pytest.mark.anyio

NOISE = (
    "Lunch is at noon on Tuesdays.",
    "Die Katze schläft auf dem Sofa.",
    "天気がいいので散歩に行きました。",
    "今天天气很好。",
    "오늘은 날씨가 좋습니다.",
    "def area(r): return 3.14 * r * r",
)

CASES = {
    "chinese word": ("我们决定把数据库迁移到新的集群", "数据库"),
    "chinese sentence": ("负责人是王工。备份每天三点开始", "备份什么时候开始"),
    "japanese kanji": ("会議で手順書を書くことに決めました", "手順書"),
    "japanese katakana": ("サーバーのポートは八千番です", "サーバー"),
    "japanese mixed": ("データベースを毎週金曜日に更新する", "データベースの更新"),
    "full width": ("Ｐｙｔｈｏｎで書いた設定", "Python"),
    "half width kana": ("ｻｰﾊﾞｰを再起動した", "サーバー"),
    "korean word": ("데이터베이스를 매주 금요일에 업데이트합니다", "데이터베이스"),
    "korean particle": ("비밀번호는 매달 바뀝니다", "비밀번호가"),
    "german first part": ("Die Datenbankverbindung bricht nachts ab", "Datenbank"),
    "german last part": ("Die Datenbankverbindung bricht nachts ab", "Verbindung"),
    "german compound asked in parts": ("Die Datenbankverbindung bricht ab", "Datenbank Verbindung"),
    "german parts asked as compound": (
        "Die Verbindung zur Datenbank bricht ab",
        "Datenbankverbindung",
    ),
    "accents left out": ("Das Treffen ist in Zürich", "Zurich"),
    "accents added": ("The office is in Zurich", "Zürich"),
    "diaeresis": ("A naïve cache was the culprit", "naive"),
    "decomposed asked composed": ("Le cafe\u0301 du coin ferme", "café"),
    "composed asked decomposed": ("Le café du coin ferme", "cafe\u0301"),
    "sharp s": ("Die Straße ist gesperrt", "Strasse"),
    "emoji": ("Release day 🚀 for the billing team", "🚀"),
    "emoji with skin": ("Approved 👍🏽 by Ada", "👍"),
    "camel case part": ("fetchUserProfile times out", "user profile"),
    "snake case part": ("max_retry_count was raised", "retry count"),
    "whole asked as camel": ("the function fetchUserProfile is slow", "fetchUserProfile"),
    "dotted": ("app.settings.cacheTtl must be 60", "app.settings.cacheTtl"),
    "dotted part": ("app.settings.cacheTtl must be 60", "cacheTtl"),
    "path": ("see /etc/nginx/conf.d/site.conf", "/etc/nginx/conf.d/site.conf"),
    "path part": ("see /etc/nginx/conf.d/site.conf", "site.conf"),
    "operator": ("we prefer a ?? b over a || b in our code", "??"),
    "c plus plus": ("the parser is written in C++", "C++"),
    "arabic": ("قاعدة البيانات تعمل على المنفذ الجديد", "قاعدة البيانات"),
    "hebrew": ("השרת מאזין בפורט החדש", "השרת"),
    "russian": ("Мы обновляем базу данных каждую пятницу", "базу данных"),
    "mixed": ("田中さん said the Datenbank is 準備完了", "準備完了"),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_note_is_found_first(notes: Notebook, case: str) -> None:
    content, query = CASES[case]
    for other in NOISE:
        await notes.remember(other)
    await notes.remember(content)

    assert (await notes.found(query))[:1] == [content]


@pytest.mark.parametrize("query", ["量子力学", "Quantenmechanik", "양자역학", "🦖", "квантовая"])
async def test_what_nobody_wrote_of_is_not_found(notes: Notebook, query: str) -> None:
    for other in NOISE:
        await notes.remember(other)

    assert await notes.found(query) == []
