//! Each rule of telling for itself.

use super::*;

fn kinds(telling: &Telling) -> Vec<String> {
    telling.writes.iter().map(ToString::to_string).collect()
}

fn whys(telling: &Telling) -> Vec<String> {
    telling.unsaid.iter().map(ToString::to_string).collect()
}

#[test]
fn one_comment_for_all_images_and_releases_of_its_pull_request() {
    let mut forge = Forge::new(Form::Comment);
    forge.merged("openshift/harbor", 11, 0, None);
    forge.now = START + DAY;
    let mut both = results("4.21", vec![broken("a", 0, &[11]), broken("b", 0, &[11])]);
    both.releases
        .extend(results("4.22", vec![broken("a", 0, &[11])]).releases);
    let first = forge.tell(&both);
    assert_eq!(
        kinds(&first),
        ["comment on openshift/harbor#11: a of 4.21, b of 4.21, a of 4.22 does not build"]
    );
    // One more breaks by the same pull request: the comment is edited, and nobody is notified.
    both.releases[1].images.push(broken("b", 0, &[11]));
    assert_eq!(
        kinds(&forge.tell(&both)),
        ["edit the comment on openshift/harbor#11: a of 4.21, b of 4.21, a of 4.22, b of 4.22 does not build"]
    );
}

#[test]
fn who_approves_changes_is_named_where_it_begins_and_by_option_only() {
    let body = |forge: &Forge| forge.there.objects[0].body.clone();
    let one = results("4.21", vec![broken("a", 0, &[11])]);
    let both = results("4.21", vec![broken("a", 0, &[11]), broken("b", 0, &[11])]);
    for form in [Form::Comment, Form::Issue] {
        let mut forge = Forge::new(form);
        forge.merged("openshift/harbor", 11, 0, None);
        forge.tell(&one);
        assert!(!body(&forge).contains("cc @"), "{}", body(&forge));
        let mut forge = Forge::new(form);
        forge.owners = true;
        forge.merged("openshift/harbor", 11, 0, None);
        let asks = forge.plan(&one).look_at_owners;
        assert_eq!(asks, [repo("openshift/harbor")].into(), "the file is looked at first");
        let names = vec!["ann".to_owned(), "bob".to_owned()];
        forge.there.owners.insert(repo("openshift/harbor"), names);
        forge.tell(&one);
        let named = "\n<!-- lockstep:cc -->cc @ann, @bob (`approvers` in OWNERS)\n";
        assert_eq!(body(&forge).matches(named).count(), 1, "{}", body(&forge));
        // Nobody is named anew because of an edit, and nobody is asked for.
        forge
            .there
            .owners
            .insert(repo("openshift/harbor"), vec!["eve".to_owned()]);
        assert!(forge.tell(&both).look_at_owners.is_empty());
        assert!(
            body(&forge).contains(named) && !body(&forge).contains("@eve"),
            "{}",
            body(&forge)
        );
    }
    let mut table = Forge::new(Form::Table);
    (table.owners, table.table) = (true, Some(repo("okd-project/okd")));
    assert!(
        table.tell(&one).look_at_owners.is_empty(),
        "a table is of all components"
    );
    let mut nobody = Forge::new(Form::Issue);
    nobody.owners = true;
    nobody.there.owners.insert(repo("openshift/harbor"), Vec::new());
    nobody.tell(&one);
    assert!(!body(&nobody).contains("lockstep:cc"), "{}", body(&nobody));
}

#[test]
fn an_old_pull_request_one_of_many_and_one_that_was_not_merged_get_no_comment() {
    for (suspects, merged) in [
        (&[11][..], Some(-20)),
        (&[11, 12][..], Some(0)),
        (&[11][..], None),
        (&[][..], None),
    ] {
        let mut forge = Forge::new(Form::Comment);
        match merged {
            Some(day) => forge.merged("openshift/harbor", 11, day, None),
            None => drop(forge.there.pulls.insert((repo("openshift/harbor"), 11), None)),
        }
        let told = forge.tell(&results("4.21", vec![broken("a", 0, suspects)]));
        assert_eq!(
            kinds(&told),
            ["open an issue in openshift/harbor: OKD 4.21: a does not build any more"]
        );
        forge.table = Some(repo("okd-project/okd"));
        forge.there.objects.clear();
        let told = forge.tell(&results("4.21", vec![broken("a", 0, suspects)]));
        assert_eq!(
            kinds(&told),
            ["open an issue in okd-project/okd: Images of OKD that do not build"],
            "a row, where there is a table"
        );
    }
}

#[test]
fn what_is_not_told_is_listed_with_its_reason() {
    let mut forge = Forge::new(Form::Issue);
    let with = |image: &str, change: &dyn Fn(&mut ImageResult)| {
        let mut found = broken(image, 0, &[11]);
        change(&mut found);
        found
    };
    let images = vec![
        with("both", &|image| image.okd_only = Some(false)),
        with("early", &|image| image.okd_only = None),
        with("parent", &|image| image.state = ImageState::BecauseOf),
        with("sibling", &|image| image.state = ImageState::HeldBack),
        with("silent", &|image| {
            image.silenced = Some("it moves (ann, until 2026-02-01)".to_owned())
        }),
        with("nowhere", &|image| image.since = None),
    ];
    let told = forge.tell(&results("4.21", images.clone()));
    assert_eq!(kinds(&told), Vec::<String>::new());
    assert_eq!(
        whys(&told),
        [
            "both of 4.21: not told: OCP fails as well: its own CI has told",
            "early of 4.21: waits: OCP's own job has not said yet whether it fails as well: that is waited for, twelve hours at most",
            "nowhere of 4.21: not told: nobody knows at which commit it broke",
            "silent of 4.21: not told: it is silenced: it moves (ann, until 2026-02-01)",
        ]
    );
    forge.now += DAY / 2;
    let told = forge.tell(&results("4.21", images));
    assert_eq!(
        kinds(&told),
        ["open an issue in openshift/harbor: OKD 4.21: early does not build any more"],
        "OCP's job has said nothing in twelve hours"
    );
}

#[test]
fn so_many_an_hour_and_the_others_wait() {
    let mut forge = Forge::new(Form::Issue);
    forge.may_begin = 1;
    let mut other = broken("b", -1, &[]);
    other.since = Some("d".repeat(40));
    let found = results("4.21", vec![broken("a", 0, &[]), other]);
    let told = forge.plan(&found);
    assert_eq!(
        kinds(&told),
        ["open an issue in openshift/harbor: OKD 4.21: b does not build any more"],
        "what has stood longest comes first"
    );
    assert_eq!(
        whys(&told),
        ["a of 4.21: waits: as many as are allowed were begun within the last hour"]
    );
    forge.apply(&told.writes[0]);
    assert_eq!(
        kinds(&forge.tell(&found)),
        ["open an issue in openshift/harbor: OKD 4.21: a does not build any more"],
        "nothing is lost"
    );
}

#[test]
fn history_that_is_forgotten_makes_no_second_issue() {
    let mut forge = Forge::new(Form::Issue);
    forge.tell(&results("4.21", vec![broken("a", 0, &[])]));
    // The first bad commit is beyond what can be seen by now.
    let mut later = broken("a", 3, &[]);
    (later.since, later.last_good) = (Some("f".repeat(40)), None);
    assert_eq!(forge.tell(&results("4.21", vec![later])).writes, []);
    // A source that cannot be read says nothing.
    let mut unknown = broken("a", 0, &[]);
    unknown.state = ImageState::Unknown;
    assert_eq!(forge.tell(&results("4.21", vec![unknown])).writes, []);
    let nothing = Results {
        releases: Vec::new(),
        ..results("4.21", Vec::new())
    };
    assert_eq!(forge.tell(&nothing).writes, []);
}

#[test]
fn an_image_that_is_none_any_more_is_told_no_longer() {
    let mut forge = Forge::new(Form::Issue);
    forge.tell(&results("4.21", vec![broken("a", 0, &[])]));
    let told = forge.tell(&results("4.21", vec![builds("b")]));
    assert_eq!(
        kinds(&told),
        [
            "say on openshift/harbor#41: a of 4.21 builds again",
            "close openshift/harbor#41: a of 4.21 builds again"
        ]
    );
    assert!(
        told.writes[1].body().contains("is no longer an image of OKD 4.21"),
        "{}",
        told.writes[1].body()
    );
}

#[test]
fn an_image_that_could_not_be_read_is_not_over() {
    let mut forge = Forge::new(Form::Issue);
    forge.tell(&results("4.21", vec![broken("a", 0, &[])]));
    let mut unread = results("4.21", vec![builds("b")]);
    unread.releases[0].absent = Absent::default();
    assert_eq!(forge.tell(&unread).writes, [], "its metadata may be broken");
    unread.releases[0].absent.dropped.insert("a".to_owned());
    assert_eq!(forge.tell(&unread).writes.len(), 2, "it is known not to be built");
}

#[test]
fn what_a_person_closes_stays_closed_until_it_was_over() {
    let mut forge = Forge::new(Form::Issue);
    let bad = results("4.21", vec![broken("a", 0, &[])]);
    forge.tell(&bad);
    forge.there.objects[0].is_open = false;
    let told = forge.tell(&bad);
    assert_eq!(told.writes, []);
    assert_eq!(
        whys(&told),
        ["a of 4.21: not told: somebody has closed openshift/harbor#41: nothing more is said of it"]
    );
    let over = forge.tell(&results("4.21", vec![builds("a")]));
    assert_eq!(
        kinds(&over),
        ["edit openshift/harbor#41: a of 4.21 builds again"],
        "it is closed already, so no word is said"
    );
    forge.now += 6 * DAY;
    let mut relapse = broken("a", 6, &[]);
    relapse.since = Some("e".repeat(40));
    assert_eq!(
        kinds(&forge.tell(&results("4.21", vec![relapse]))),
        ["reopen openshift/harbor#41: a of 4.21 does not build"]
    );
}

#[test]
fn a_relapse_after_a_week_is_a_new_issue() {
    for (days, expected) in [
        (6, "reopen openshift/harbor#41"),
        (8, "open an issue in openshift/harbor"),
    ] {
        let mut forge = Forge::new(Form::Issue);
        forge.tell(&results("4.21", vec![broken("a", 0, &[])]));
        forge.tell(&results("4.21", vec![builds("a")]));
        forge.now += days * DAY;
        let mut relapse = broken("a", days, &[]);
        relapse.since = Some("e".repeat(40));
        let told = kinds(&forge.tell(&results("4.21", vec![relapse])));
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with(expected), "{told:?}");
        // And it is over again, with a word of its own.
        let over = kinds(&forge.tell(&results("4.21", vec![builds("a")])));
        assert_eq!(over.len(), 2, "{over:?}");
    }
}

#[test]
fn of_two_the_older_stays() {
    let bad = results("4.21", vec![broken("a", 0, &[11])]);
    for (form, expected) in [
        (
            Form::Issue,
            &[
                "say on openshift/harbor#42: told elsewhere",
                "close openshift/harbor#42: told elsewhere",
            ][..],
        ),
        (
            Form::Comment,
            &["edit the comment on openshift/harbor#11: told elsewhere"],
        ),
        (
            Form::Table,
            &[
                "say on okd-project/okd#42: told elsewhere",
                "close okd-project/okd#42: told elsewhere",
            ],
        ),
    ] {
        let mut forge = Forge::new(form);
        forge.table = (form == Form::Table).then(|| repo("okd-project/okd"));
        forge.merged("openshift/harbor", 11, 0, None);
        // Two writers that have seen nothing of one another.
        let first = forge.plan(&bad);
        forge.apply(&first.writes[0]);
        forge.now += 1;
        forge.apply(&first.writes[0]);
        assert_eq!(kinds(&forge.tell(&bad)), expected);
        let over = forge.tell(&results("4.21", vec![builds("a")]));
        assert!(over.writes.iter().all(|write| write.target().1 != Some(42)), "{over:?}");
    }
}

#[test]
fn who_may_silences_an_image_for_a_while() {
    let mut forge = Forge::new(Form::Issue);
    let bad = results("4.21", vec![broken("a", 0, &[])]);
    forge.tell(&bad);
    forge.say("ann", "/lockstep silence 7d because @everyone knows </details>");
    let kept = forge.tell(&bad);
    assert_eq!(kinds(&kept), ["edit openshift/harbor#41: a of 4.21 does not build"]);
    let body = kept.writes[0].body();
    assert!(
        body.contains("Of `a` nothing is said until 2026-01-08, as `ann` asked: ") && !body.contains("@everyone"),
        "{body}"
    );
    // What is over ends all the same, and nothing is said of what breaks again meanwhile.
    forge.now += 3 * DAY;
    let over = forge.tell(&results("4.21", vec![builds("a")]));
    assert_eq!(
        kinds(&over),
        [
            "say on openshift/harbor#41: a of 4.21 builds again",
            "close openshift/harbor#41: a of 4.21 builds again"
        ]
    );
    let again = forge.tell(&bad);
    assert_eq!(again.writes, []);
    assert_eq!(
        whys(&again),
        ["a of 4.21: not told: it is silenced until 2026-01-08, as somebody asked"]
    );
    let mut next = broken("b", 3, &[]);
    next.since = Some("e".repeat(40));
    let told = forge.tell(&results("4.21", vec![broken("a", 0, &[]), next]));
    assert_eq!(
        kinds(&told),
        ["open an issue in openshift/harbor: OKD 4.21: b does not build any more"],
        "of others it is"
    );
    forge.now += 5 * DAY;
    let over = forge.tell(&results("4.21", vec![builds("a"), builds("b")]));
    assert_eq!(
        kinds(&over),
        [
            "edit openshift/harbor#41: a of 4.21 builds again",
            "say on openshift/harbor#42: b of 4.21 builds again",
            "close openshift/harbor#42: b of 4.21 builds again"
        ],
        "the silence is over, and b is"
    );
}

#[test]
fn a_silence_reaches_no_further_than_what_its_text_tells_of() {
    let other = || {
        let mut other = broken("b", 0, &[]);
        other.repository = "openshift/tide".to_owned();
        other
    };
    let mut forge = Forge::new(Form::Issue);
    let bad = results("4.21", vec![broken("a", 0, &[])]);
    forge.tell(&bad);
    forge.say("ann", "/lockstep silence b 90d because I may write to harbor");
    let answered = forge.tell(&bad);
    assert_eq!(answered.writes.len(), 1);
    let body = answered.writes[0].body();
    let answer = "Of `b` it is told as before, though `ann` asked for silence: here only `a` can be named";
    assert!(body.contains(answer), "{body}");
    assert_eq!(forge.tell(&bad).writes, [], "it is answered once");
    let both = results("4.21", vec![broken("a", 0, &[]), other()]);
    let told = forge.tell(&both);
    assert_eq!(
        kinds(&told),
        ["open an issue in openshift/tide: OKD 4.21: b does not build any more"]
    );
    // Neither does a text that somebody has edited.
    for mark in [
        "<!-- lockstep:break 4.21 b x broken -->\n<!-- lockstep:silence 9 b 2026-12-31 -->\n",
        "<!-- lockstep:told table -->\n<!-- lockstep:silence 9 b 2026-12-31 -->\n",
    ] {
        let mut forge = Forge::new(Form::Issue);
        forge.tell(&bad);
        let body = &mut forge.there.objects[0].body;
        *body = match mark.contains("told table") {
            true => body.replace("<!-- lockstep:told -->\n", mark),
            false => body.replace(
                "<!-- lockstep:breaks-end -->",
                &format!("{mark}<!-- lockstep:breaks-end -->"),
            ),
        };
        let told = kinds(&forge.tell(&both));
        let expected = "open an issue in openshift/tide: OKD 4.21: b does not build any more".to_owned();
        assert!(told.contains(&expected), "{told:?}");
    }
    // Another release is another matter.
    let mut forge = Forge::new(Form::Issue);
    forge.tell(&bad);
    forge.say("ann", "/lockstep silence 7d because the base moves");
    forge.tell(&bad);
    let mut later = broken("a", 1, &[]);
    later.since = Some("e".repeat(40));
    let mut both = bad.clone();
    both.releases.extend(results("4.22", vec![later]).releases);
    assert_eq!(
        kinds(&forge.tell(&both)),
        ["open an issue in openshift/harbor: OKD 4.22: a does not build any more"]
    );
}

#[test]
fn a_silence_in_a_table_names_its_image() {
    let mut forge = Forge::new(Form::Table);
    forge.table = Some(repo("okd-project/okd"));
    let bad = results("4.21", vec![broken("a", 0, &[])]);
    forge.tell(&bad);
    forge.say("ann", "/lockstep silence 7d because of something");
    assert_eq!(forge.tell(&bad).writes, [], "of which one?");
    forge.say("ann", "/lockstep silence b 7d because it is rewritten");
    assert_eq!(forge.tell(&bad).writes.len(), 1);
    let told = forge.tell(&results("4.21", vec![broken("a", 0, &[]), broken("b", 0, &[])]));
    assert_eq!(told.writes, []);
    assert_eq!(
        whys(&told),
        ["b of 4.21: not told: it is silenced until 2026-01-08, as somebody asked"]
    );
}

#[test]
fn a_shut_repository_costs_itself_alone() {
    let mut forge = Forge::new(Form::Issue);
    let shut = Door::Shut("issues are turned off there".to_owned());
    forge.there.doors.insert(repo("openshift/harbor"), shut);
    let mut other = broken("b", 0, &[]);
    other.repository = "openshift/beacon".to_owned();
    let told = forge.tell(&results("4.21", vec![broken("a", 0, &[]), other]));
    assert_eq!(kinds(&told).len(), 1);
    assert_eq!(
        whys(&told),
        ["a of 4.21: not told: nothing can be said in openshift/harbor: issues are turned off there"]
    );
}

#[test]
fn before_anything_is_begun_it_is_looked_at() {
    let mut forge = Forge::new(Form::Comment);
    let telling = forge.plan(&results("4.21", vec![broken("a", 0, &[11])]));
    assert_eq!(
        telling.look_at_pulls.into_iter().collect::<Vec<_>>(),
        [(repo("openshift/harbor"), 11)]
    );
    forge.form = Form::Issue;
    let telling = forge.plan(&results("4.21", vec![broken("a", 0, &[11])]));
    assert_eq!(
        telling.look_at_issues.into_iter().collect::<Vec<_>>(),
        [repo("openshift/harbor")]
    );
}

/// All that could be hostile, in each place that somebody else writes.
const EVIL: &str = "@everyone </details></pre> <!-- lockstep:break 4.21 x y broken --> <!-- lockstep:end --> fixes #1 \u{202e}gnp\u{1b}[31m | ` ``` \r\n# x";

#[test]
fn what_others_write_means_nothing() {
    for form in Form::ALL {
        let mut forge = Forge::new(form);
        forge.table = (form == Form::Table).then(|| repo("okd-project/okd"));
        forge.merged("openshift/harbor", 11, 0, Some(EVIL));
        let mut image = broken(EVIL, 0, &[11, 12]);
        image
            .suspects
            .iter_mut()
            .for_each(|suspect| suspect.title = EVIL.to_owned());
        if form == Form::Comment {
            image.suspects.pop();
        }
        (image.says, image.job, image.twin) = (EVIL.to_owned(), EVIL.to_owned(), EVIL.to_owned());
        (image.since, image.last_good) = (Some(EVIL.to_owned()), Some(EVIL.to_owned()));
        image.lines = vec![EVIL.repeat(3); 5];
        let told = forge.tell(&results("4.21", vec![image.clone()]));
        let body = told.writes[0].body().to_owned();
        for bad in [
            "@everyone",
            "</details></pre>",
            "\u{202e}",
            "\u{1b}",
            "fixes #1",
            "<!-- lockstep:break 4.21 x",
            "\r",
        ] {
            assert!(!body.contains(bad), "{form:?}: {bad:?} in {body}");
        }
        assert_eq!(
            body.matches("</details>").count(),
            usize::from(form != Form::Table),
            "{body}"
        );
        assert_eq!(body.matches("<!-- lockstep:end -->").count(), 1, "{body}");
        let page = Page::of(&body).expect("ours");
        assert_eq!(page.blocks.len(), 1);
        assert_eq!(
            (page.blocks[0].image.as_str(), page.blocks[0].since.as_str()),
            (EVIL, EVIL)
        );
        if form == Form::Table {
            let row = body
                .lines()
                .find(|line| line.contains("lockstep:break"))
                .expect("a row");
            assert_eq!(row.replace("\\|", "").matches('|').count(), 8, "{row}");
        }
        let over = forge.tell(&results("4.21", vec![]));
        assert!(!over.writes.is_empty());
        let shown: String = over.writes.iter().map(|write| format!("{write}\n")).collect();
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}

#[test]
fn the_largest_texts_are_taken_by_github() {
    let long = "ü@".repeat(150);
    for form in Form::ALL {
        let mut forge = Forge::new(form);
        (forge.table, forge.may_begin) = ((form == Form::Table).then(|| repo("okd-project/okd")), 1);
        forge.merged("openshift/harbor", 11, 0, Some(&long));
        let images = (0..300).map(|n| {
            let mut image = broken(&format!("image-{n:03}-{}", "x".repeat(60)), 0, &[11]);
            image.lines = vec![long.clone(); 5];
            image.says.clone_from(&long);
            image
        });
        let told = forge.plan(&results("4.21", images.collect()));
        assert!(
            told.unsaid
                .iter()
                .any(|one| one.waits && one.why.contains("as many as fit")),
            "{form:?}"
        );
        let size = told.writes[0].body().chars().count();
        assert!(size <= 65_000, "{form:?}: {size}");
    }
}

#[test]
fn what_people_write_around_it_stays() {
    let mut forge = Forge::new(Form::Issue);
    forge.tell(&results("4.21", vec![broken("a", 0, &[])]));
    let body = forge.there.objects[0].body.clone();
    forge.there.objects[0].body = format!("Ours to mend. /ann\n\n{body}\n\nSee the wiki.\n").replace('\n', "\r\n");
    let told = forge.tell(&results("4.21", vec![builds("a")]));
    let body = told.writes[1].body();
    assert!(
        body.starts_with("Ours to mend. /ann\n") && body.trim_end().ends_with("See the wiki."),
        "{body}"
    );
}

#[test]
fn what_fails_for_ocp_as_well_by_now_is_told_no_longer() {
    let as_well = |image: &str| ImageResult {
        okd_only: Some(false),
        ..broken(image, 0, &[11])
    };
    // An issue is closed with a word, once.
    let mut forge = Forge::new(Form::Issue);
    forge.tell(&results("4.21", vec![broken("a", 0, &[11])]));
    let told = forge.tell(&results("4.21", vec![as_well("a")]));
    assert_eq!(
        kinds(&told),
        [
            "say on openshift/harbor#41: a of 4.21 fails for OCP as well",
            "close openshift/harbor#41: a of 4.21 fails for OCP as well",
        ]
    );
    let word = told.writes[0].body().lines().nth(1);
    assert_eq!(
        word,
        Some("Now image `a` does not build for OCP either: its own CI tells of that. Closing.")
    );
    assert!(
        told.writes[1]
            .body()
            .contains("OCP's job `branch-ci-openshift-harbor-main-images` fails as well, seen on 2026-01-01"),
        "{}",
        told.writes[1].body()
    );
    assert_eq!(
        whys(&told),
        ["a of 4.21: not told: OCP fails as well: its own CI has told"]
    );
    // OCP's is mended and OKD's is not: within a week the issue is opened again, and it is over with a word of its own.
    forge.now += 6 * DAY;
    let again = forge.tell(&results("4.21", vec![broken("a", 0, &[11])]));
    assert_eq!(kinds(&again), ["reopen openshift/harbor#41: a of 4.21 does not build"]);
    let over = kinds(&forge.tell(&results("4.21", vec![builds("a")])));
    assert_eq!(over.len(), 2, "{over:?}");
    // Both are mended meanwhile: the issue that is closed says so in silence.
    let mut forge = Forge::new(Form::Issue);
    forge.tell(&results("4.21", vec![broken("a", 0, &[11])]));
    forge.tell(&results("4.21", vec![as_well("a")]));
    assert_eq!(
        kinds(&forge.tell(&results("4.21", vec![builds("a")]))),
        ["edit openshift/harbor#41: a of 4.21 builds again"]
    );
    // It stays so for weeks, and then OKD's alone is left: that is told anew.
    let mut forge = Forge::new(Form::Issue);
    forge.tell(&results("4.21", vec![broken("a", 0, &[11])]));
    forge.tell(&results("4.21", vec![as_well("a")]));
    forge.now += 8 * DAY;
    forge.there.known = told_of(&forge.there, &results("4.21", vec![as_well("a")]));
    forge.there.objects.retain(|object| concerns(object, forge.now));
    assert_eq!(
        kinds(&forge.tell(&results("4.21", vec![broken("a", 0, &[11])]))),
        ["open an issue in openshift/harbor: OKD 4.21: a does not build any more"]
    );
}

#[test]
fn a_comment_and_a_row_say_in_silence_that_ocp_fails_as_well() {
    for (form, table) in [(Form::Comment, None), (Form::Table, Some("okd-project/okd"))] {
        let mut forge = Forge::new(form);
        forge.table = table.map(repo);
        forge.merged("openshift/harbor", 11, 0, None);
        forge.tell(&results("4.21", vec![broken("a", 0, &[11]), broken("b", 0, &[11])]));
        let as_well = ImageResult {
            okd_only: Some(false),
            ..broken("a", 0, &[11])
        };
        let told = forge.tell(&results("4.21", vec![as_well.clone(), broken("b", 0, &[11])]));
        let about = "b of 4.21 does not build; a of 4.21 fails for OCP as well";
        assert_eq!(told.writes.len(), 1, "{form:?}: {:?}", kinds(&told));
        assert!(kinds(&told)[0].ends_with(about), "{form:?}: {:?}", kinds(&told));
        let body = told.writes[0].body();
        let expected = match form {
            Form::Table => "| OCP's own CI tells of it, seen on 2026-01-01 | fails as well | |",
            _ => "its own CI tells of that. OKD's fails from `bbbbbbbbbb` on.",
        };
        assert!(body.contains(expected), "{form:?}: {body}");
        let alone = forge.tell(&results("4.21", vec![broken("a", 0, &[11]), broken("b", 0, &[11])]));
        assert_eq!(alone.writes.len(), 1, "{form:?}: {:?}", kinds(&alone));
        assert!(!alone.writes[0].body().contains("tells of"), "{form:?}");
        let both = forge.tell(&results("4.21", vec![as_well, builds("b")]));
        assert_eq!(both.writes.len(), 1, "{form:?}: {:?}", kinds(&both));
    }
}
