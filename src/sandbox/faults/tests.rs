use super::*;

#[test]
fn faults_are_read_from_their_names() {
    for kind in FaultKind::ALL {
        let amount = if kind.takes().is_empty() { 1 } else { 3 };
        for after in [0, 7] {
            let fault = Fault { kind: *kind, amount, after, path: String::new() };
            assert_eq!(fault.to_string().parse(), Ok(fault.clone()));
            let limited = Fault { path: "/admin/v2/groups".to_owned(), ..fault };
            let read = limited.to_string().parse::<Fault>();
            assert_eq!(read.is_ok(), kind.is_local(), "{limited}");
            assert!(read.is_err() || read == Ok(limited));
        }
    }
    assert_eq!(
        "429".parse(),
        Ok(Fault { kind: FaultKind::TooMany, amount: 1, after: 0, path: String::new() })
    );
    assert_eq!(
        "skew=-400".parse(),
        Ok(Fault { kind: FaultKind::Skew, amount: -400, after: 0, path: String::new() })
    );
    assert_eq!(
        "halt@3".parse(),
        Ok(Fault { kind: FaultKind::Halt, amount: 1, after: 3, path: String::new() })
    );
    let error = "halt@x".parse::<Fault>().unwrap_err();
    assert_eq!(error, "add the number of calls before `halt` starts: halt@CALLS");
    let error = "430=1".parse::<Fault>().unwrap_err();
    assert!(error.starts_with("unknown fault `430`; known faults: 429=N, writes-per-minute=N, "), "{error}");
    assert_eq!("429=-1".parse::<Fault>(), Err("fault `429` needs a number, not `-1`".to_owned()));
    assert_eq!("delay".parse::<Fault>(), Err("fault `delay` needs a number: delay=MS".to_owned()));
    assert_eq!("drip=2".parse::<Fault>(), Err("fault `drip` takes no number".to_owned()));
}

#[test]
fn a_counted_fault_ends_and_the_write_limit_slides() {
    let request = |method| RawRequest::new(method, "/", Vec::new(), Vec::new());
    let mut faults = Faults::new(vec!["reset-after-commit=1".parse().unwrap()]);
    let switches = Switches::default();
    assert!(faults.strike(&request("GET"), &switches, 0) == Strike::None);
    assert!(faults.strike(&request("POST"), &switches, 0) == Strike::ResetAfter);
    assert!(faults.strike(&request("POST"), &switches, 0) == Strike::None);

    let mut faults = Faults::new(vec!["halt=1@2".parse().unwrap()]);
    let struck: Vec<bool> =
        (0..4).map(|_| faults.strike(&request("GET"), &switches, 0) == Strike::Halt).collect();
    assert_eq!((struck, faults.halted()), (vec![false, false, true, false], 1));

    let mut faults = Faults::new(vec!["writes-per-minute=2".parse().unwrap()]);
    let limited: Vec<bool> =
        [0, 1, 2, 60, 61].map(|now| faults.strike(&request("POST"), &switches, now) != Strike::None).into();
    assert_eq!(limited, [false, false, true, false, false]);
}
