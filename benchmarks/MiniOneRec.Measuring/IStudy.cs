namespace MiniOneRec.Measuring;

/// <summary>One long measurement with a name; found by reflection, so a new class is all it takes.</summary>
/// <remarks>A study has a constructor without parameters, reads its options first, and reports every figure through the context.</remarks>
public interface IStudy
{
    /// <summary>Gets the name by which the command line calls the study, for example <c>sasrec-training</c>.</summary>
    string Name { get; }

    /// <summary>Gets one sentence that says what is measured, with the options.</summary>
    string Description { get; }

    /// <summary>Measures.</summary>
    /// <param name="context">Options in, figures out.</param>
    Task RunAsync(StudyContext context);
}
