using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests;

/// <summary>Options from configuration: bound in every package, refused where a key is unknown, overruled by code.</summary>
public sealed class ConfigurationTests
{
    private const string Everything = """
        {
          "MiniOneRec": {
            "Device": "cpu", "Seed": 11,
            "Tokenization": {
              "EncoderBatchSize": 9, "Collisions": { "Policy": "Keep" }, "TfIdf": { "Width": 33 }, "RqKMeans": { "CodebookSizes": [5, 6], "Restarts": 2 }
            },
            "Modeling": { "HiddenSize": 32, "Recommender": { "BeamWidth": 8 } },
            "Alignment": { "Epochs": 4, "Lora": { "Targets": ["q_proj"] }, "Checkpoints": { "Every": 3 } },
            "Reinforcement": { "GroupSize": 5, "Guards": { "Patience": 2 }, "Schedule": "Linear" },
            "Evaluation": { "Cutoffs": [5] },
            "SasRec": { "Layers": 3 }, "Gru4Rec": { "MaxEpochs": 6 }, "Caser": { "Heights": [2] }
          }
        }
        """;

    [Fact]
    public void AddMiniOneRec_WithConfiguration_BindsEveryPackage()
    {
        using var provider = Build(Everything, builder => builder
            .AddTokenization().UseQuantizer<RqKMeansQuantizer>().AddModeling().AddAlignment().AddReinforcement()
                .AddReward<ExactMatchReward>().AddEvaluation()
            .AddSasRec().AddGru4Rec().AddCaser());

        Assert.Equal(11, Get<MiniOneRecOptions>(provider).Seed);
        Assert.Equal((9, CollisionPolicy.Keep),
            (Get<TokenizationOptions>(provider).EncoderBatchSize, Get<TokenizationOptions>(provider).Collisions.Policy));
        Assert.Equal(33, Get<TfIdfOptions>(provider).Width);
        Assert.Equal([5, 6], provider.GetRequiredService<IQuantizer>().LevelSizes);
        Assert.Equal((32, 8), (Get<ModelingOptions>(provider).HiddenSize, Get<ModelingOptions>(provider).Recommender.BeamWidth));
        var sft = Get<SftOptions>(provider);
        Assert.Equal((4, 3, 11), (sft.Epochs, sft.Checkpoints.Every, sft.Seed));
        Assert.Equal(["q_proj"], sft.Lora!.Targets);
        var grpo = Get<GrpoOptions>(provider);
        Assert.Equal((5, 2, LearningRateSchedule.Linear, 11), (grpo.GroupSize, grpo.Guards.Patience, grpo.Schedule, grpo.Seed));
        Assert.Equal([5], Get<EvaluationOptions>(provider).Cutoffs);
        Assert.Equal(11, Get<EvaluationOptions>(provider).Seed);
        Assert.Equal((3, 6), (Get<SasRecOptions>(provider).Layers, Get<Gru4RecOptions>(provider).MaxEpochs));
        Assert.Equal([2], Get<CaserOptions>(provider).Heights);
    }

    [Fact]
    public void AddX_WithASectionOfItsOwn_BindsIt()
    {
        var root = OptionsClasses.Json(Everything).GetSection("MiniOneRec");
        var services = new ServiceCollection();
        services.AddMiniOneRec(options => options.Seed = 5)
            .AddTokenization(root.GetSection("Tokenization")).UseQuantizer<RqKMeansQuantizer>()
            .AddModeling(root.GetSection("Modeling")).AddAlignment(root.GetSection("Alignment"))
            .AddReinforcement(root.GetSection("Reinforcement")).AddReward<ExactMatchReward>().AddEvaluation(root.GetSection("Evaluation"))
            .AddSasRec(root.GetSection("SasRec")).AddGru4Rec(root.GetSection("Gru4Rec")).AddCaser(root.GetSection("Caser"));
        using var provider = services.BuildServiceProvider();

        Assert.Equal([5, 6], provider.GetRequiredService<IQuantizer>().LevelSizes);
        Assert.Equal(33, Get<TfIdfOptions>(provider).Width);
        Assert.Equal((4, 5), (Get<SftOptions>(provider).Epochs, Get<SftOptions>(provider).Seed));
        Assert.Equal(5, Get<GrpoOptions>(provider).GroupSize);
        Assert.Equal([5], Get<EvaluationOptions>(provider).Cutoffs);
        Assert.Equal((32, 3), (Get<ModelingOptions>(provider).HiddenSize, Get<SasRecOptions>(provider).Layers));
    }

    [Fact]
    public void Options_SetByCode_OverruleConfigurationAndSharedOptionsWhereverTheCallStands()
    {
        var configuration = OptionsClasses.Json("""{ "Seed": 11, "Alignment": { "Epochs": 4, "Seed": 12, "BatchSize": 8 } }""");
        var services = new ServiceCollection();
        services.Configure<SftOptions>(options => options.Epochs = 7);
        services.Configure<GrpoOptions>(options => options.Seed = 3);
        services.AddMiniOneRec(configuration).AddAlignment().AddAlignment(options => options.MaxTokens = 99).AddAlignment()
            .AddReinforcement();
        using var provider = services.BuildServiceProvider();

        var sft = Get<SftOptions>(provider);
        Assert.Equal((7, 12, 8, 99), (sft.Epochs, sft.Seed, sft.BatchSize, sft.MaxTokens));
        Assert.Equal(3, Get<GrpoOptions>(provider).Seed);
    }

    [Theory]
    [InlineData("""{ "MiniOneRec": { "Sead": 1 } }""", "'MiniOneRec:Sead'", "'Seed'")]
    [InlineData("""{ "MiniOneRec": { "Alignment": { "Epoch": 1 } } }""", "'MiniOneRec:Alignment:Epoch'", "'Epochs'")]
    [InlineData("""{ "MiniOneRec": { "Alignment": { "Lora": { "Rnk": 1 } } } }""", "'MiniOneRec:Alignment:Lora:Rnk'", "'Rank'")]
    [InlineData("""{ "MiniOneRec": { "Tokenization": { "RqVae": { "CodebookSize": [32] } } } }""", "'MiniOneRec:Tokenization:RqVae:CodebookSize'", "'CodebookSizes'")]
    [InlineData("""{ "MiniOneRec": { "Tokenization": { "RqVea": { } , "RqVea2": 1 } } }""", "'MiniOneRec:Tokenization:RqVea2'", "'RqVae'")]
    [InlineData("""{ "MiniOneRec": { "Alignment": { "Rank": 4 } } }""", "'MiniOneRec:Alignment:Rank'", "'Lora:Rank'")]
    [InlineData("""{ "MiniOneRec": { "Evaluation": { "Cutoffs": [5] } } }""", "'MiniOneRec:Evaluation'", "AddEvaluation")]
    [InlineData("""{ "MiniOneRec": { "Alignment": { "Epochs": "many" } } }""", "'MiniOneRec:Alignment:Epochs' is 'many'", "Int32")]
    [InlineData("""{ "MiniOneRec": { "Alignment": { "Schedule": "Cosin" } } }""", "'MiniOneRec:Alignment:Schedule' is 'Cosin'", "Cosine")]
    [InlineData("""{ "MiniOneRec": { "Tokenization": { "RqVae": { "CodebookSizes": [32, "x"] } } } }""", "'MiniOneRec:Tokenization:RqVae:CodebookSizes:1' is 'x'", "Int32")]
    [InlineData("""{ "MiniOneRec": { "Tokenization": { "RqVae": { "CodebookSizes": "32" } } } }""", "'MiniOneRec:Tokenization:RqVae:CodebookSizes' is '32'", "a list")]
    [InlineData("""{ "MiniOneRec": { "Tokenization": { "Collisions": "Keep" } } }""", "'MiniOneRec:Tokenization:Collisions' is 'Keep'", "section")]
    [InlineData("""{ "MiniOneRec": { "Alignment": 5 } }""", "'MiniOneRec:Alignment' is '5'", "section of SftOptions")]
    [InlineData("""{ "MiniOneRec": { "Tokenization": { "RqVae": { "CodebookSizes": [32, null] } } } }""", "'MiniOneRec:Tokenization:RqVae:CodebookSizes:1' is null", "Int32")]
    [InlineData("""{ "MiniOneRec": { "Alignment": { "Lora": { "Targets": [null] } } } }""", "'MiniOneRec:Alignment:Lora:Targets:0' is null", "String")]
    [InlineData("""{ "MiniOneRec": { "Tokenization": { "Text": "title" } } }""", "'MiniOneRec:Tokenization:Text' is code", "delegate")]
    [InlineData("""{ "MiniOneRec": { "Alignment": { "CheckpointFolder": "a", "Checkpoints": { "Folder": "b" } } } }""", "'MiniOneRec:Alignment:CheckpointFolder'", "'MiniOneRec:Alignment:Checkpoints:Folder'")]
    public async Task Host_WithAKeyThatNothingReads_DoesNotStart(string json, string key, string expected)
    {
        var application = Host.CreateEmptyApplicationBuilder(null);
        application.Services.AddMiniOneRec(OptionsClasses.Json(json)).AddTokenization().AddAlignment();
        using var host = application.Build();

        var error = await Assert.ThrowsAnyAsync<Exception>(() => host.StartAsync());

        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(error is AggregateException all ? all.InnerExceptions : [error], inner => inner is OptionsValidationException);
    }

    [Fact]
    public void OldName_InConfiguration_IsReadAndLogged()
    {
        var log = new Messages();
        using var provider = Build(
            """{ "MiniOneRec": { "Alignment": { "ValidationRows": 77, "CheckpointFolder": "runs" } } }""",
            builder => builder.AddAlignment().Services.AddSingleton<ILoggerFactory>(log));

        var options = Get<SftOptions>(provider);

        Assert.Equal((77, "runs"), (options.ValidationExamples, options.Checkpoints.Folder));
        Assert.Contains(log.Written,
            message => message.Contains("'MiniOneRec:Alignment:ValidationRows' is now called 'MiniOneRec:Alignment:ValidationExamples'",
            StringComparison.Ordinal));
        Assert.Contains(log.Written, message => message.Contains("'MiniOneRec:Alignment:Checkpoints:Folder'", StringComparison.Ordinal));
    }

    [Fact]
    public void UseQuantizer_OfOnesOwn_ReceivesOptionsDeviceAndSeed()
    {
        using var provider = Build("""{ "MiniOneRec": { "Seed": 8 } }""", builder => builder.AddTokenization().UseQuantizer<OwnQuantizer>()
            .Services.Configure<OwnQuantizerOptions>(options => options.Width = 6));

        var quantizer = Assert.IsType<OwnQuantizer>(provider.GetRequiredService<IQuantizer>());

        Assert.Equal((6, 8), (quantizer.Width, quantizer.Seed));
    }

    [Fact]
    public void Parts_TakeInstancesAndFactories()
    {
        using var quantizer = new RqKMeansQuantizer();
        using var provider = Build("{}", builder => builder
            .AddTokenization().UseQuantizer(quantizer)
            .AddAlignment().AddTask(new NextItemTask()).AddTask(_ => new TitleToSidTask()).AddTask<TitleToSidTask>()
                .AddTask<TitleToSidTask>()
            .AddReinforcement().AddReward(new ExactMatchReward(), 0.5).AddReward(_ => new RankReward()).UseRollouts<DynamicRolloutSampler>()
            .AddEvaluation().AddMetric(new HitRate()));

        Assert.Same(quantizer, provider.GetRequiredService<IQuantizer>());
        Assert.Equal(3, provider.GetServices<IAlignmentTask>().Count());
        Assert.Equal([0.5, 1.0], provider.GetServices<IRewardFunction>().Cast<WeightedReward>().Select(reward => reward.Weight));
        Assert.IsType<DynamicRolloutSampler>(provider.GetRequiredService<IRolloutSampler>());
    }

    [Fact]
    public void AddReward_AgainWithAnotherWeight_IsRefused()
    {
        var builder = new ServiceCollection().AddMiniOneRec().AddReinforcement().AddReward<ExactMatchReward>(2)
            .AddReward<ExactMatchReward>().AddReward<ExactMatchReward>(2);

        var error = Assert.Throws<InvalidOperationException>(() => builder.AddReward<ExactMatchReward>(3));

        Assert.Contains("weight 2 and now with 3", error.Message, StringComparison.Ordinal);
    }

    private static T Get<T>(IServiceProvider provider)
        where T : class => provider.GetRequiredService<IOptions<T>>().Value;

    private static ServiceProvider Build(string json, Action<MiniOneRecBuilder> add)
    {
        var services = new ServiceCollection();
        add(services.AddMiniOneRec(OptionsClasses.Json(json)));
        return services.BuildServiceProvider();
    }

    public sealed class OwnQuantizerOptions
    {
        public int Width { get; set; }
    }

    public sealed class OwnQuantizer(OwnQuantizerOptions options, MiniOneRecOptions shared) : IQuantizer
    {
        public int Seed => shared.Seed;

        public string Kind => "own";

        public IReadOnlyList<int> LevelSizes => [1];

        public int Width => options.Width;

        public Task<TrainingResult> FitAsync(EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null,
            CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public CodeTable Encode(EmbeddingTable embeddings) => throw new NotSupportedException();

        public EmbeddingTable Decode(CodeTable codes) => throw new NotSupportedException();

        public float[] Distances(EmbeddingTable embeddings, CodeTable codes, int level) => throw new NotSupportedException();

        public Task SaveAsync(string folder, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
