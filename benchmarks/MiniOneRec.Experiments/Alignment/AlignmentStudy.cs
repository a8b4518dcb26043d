namespace MiniOneRec.Experiments;

/// <summary>What supervised training gains from what: the levers of the small decoder, and language on a pretrained one.</summary>
internal sealed class AlignmentStudy : IStudy
{
    public string Name => "alignment";

    public string Description =>
        "What helps supervised training. --part levers: --datasets Industrial_and_Scientific,Office_Products --levers "
        + $"{string.Join(',', LeverRun.Levers)} (joined by +, also dropout=0.3 and the like) --preset default --seeds 1,2 "
        + "--epochs 0 (the preset's) --users 0 (all) --device cpu --work artifacts/experiments (runs, kept) "
        + "--logs FOLDER (a run log of each). "
        + $"--part text: --arms {string.Join(',', TextArm.Names)} --minutes 20 (of training, per arm) --steps 0 (no limit) --points 5 "
        + "--curve Loss|HitRate|Ndcg (of --rows 100) --test-rows 400 --train lora|new-rows|all --initial text|normal "
        + "--wording Reinforcement|Training --rate 0.001 --batch 16 --tokens 512 --precision BFloat16 --users 0 --seed 1";

    public Task RunAsync(StudyContext context) => context.Option("part", "levers") switch
    {
        "levers" => LeverTable.RunAsync(context),
        "text" => TextAblation.RunAsync(context),
        var other => throw new ArgumentException($"--part is '{other}'; expected levers or text."),
    };
}
