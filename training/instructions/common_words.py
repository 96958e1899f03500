"""Frequent words that planners and people put around what they ask for.

The grammar doesn't say them; the tokenizer knows them, so that they can be learned from other
sentences.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COMMON: tuple[str, ...] = _words(
    """
    able about above abroad absent accept access accident according account ache across act action
    active activity actual actually add addition address admit adult advance advice afraid after
    afternoon afterwards again against age ago agree ahead aid aim air alarm alike all allow
    almost alone along already also although always amazing amount ancient and angle angry animal
    another answer any anybody anymore anyone anyway anywhere apart apartment appear appearance
    apply appoint approach area argue arm army around arrange arrive art article aside ask asleep
    assist assistant assume at attach attack attempt attend attention aunt author autumn available
    average avoid awake aware away awful awkward baby back background backwards bad badly bake
    balance ban bank bar bare barely bark barn base basic basis bath bathe bathroom bay beach beam
    bear beard beat beautiful because become bed bedroom bee beef been before began begin
    beginning behave behind being belief believe bell belong beloved below bench bend beneath
    benefit besides best bet better beyond big bike bill bit bite bitter blank blind blond blood
    blow board body boil bold bone bonus border bored boring born borrow boss bottom bounce bound
    boy brain branch brave bread break breakfast breath breathe breeze brief bright brilliant
    bring broad broken brother brought build building built bump bunch burden burn burst bury
    business busy but buy buyer by call calm came camp can cancel capable capital captain care
    career careful carefully careless carry case cash catch cause ceiling celebrate cell
    centimeter centimetre central century certain certainly chance change character charge chase
    chat cheap check cheer chest chew chief child childhood children choice choose chop circle
    city claim class classic classroom clean clear clearly clever climb close closely cloth
    clothes cloud club coach coal coast coat code coffee coin cold collect college colorful column
    combine come comfort comfortable command comment common community company compare compete
    complain complete completely concern condition confirm connect consider constant contact
    contain content contest continue control cook cooker cool copy corn corner correct correctly
    cost cottage cotton cough could council count counter country couple courage course court
    cousin cover cow crash crazy cream create creature crew crop cross crowd cruel cry cupboard
    cure curious current curve custom customer cut cute cycle dad daily damage damp dance danger
    dangerous dare dark date daughter dawn day dead deaf deal dear death debt decade decide
    decision deep deeply deer defend degree delay delicate delicious deliver delivery demand
    dentist depart depend depth describe desert deserve design desire desk dessert destroy detail
    detect develop device diagonal dial did die diet differ difference different difficult dig
    digital dinner direct direction directly dirt dirty disappear discover discuss dish distance
    distant divide do doctor document does doing dollar done door double doubt down downstairs
    dozen drag draw drawer drawing dream dress drink drive driver drop drove dry due dull during
    dust duty each eager ear early earn earth ease easily east easy eat edge educate effect effort
    eight either elbow elder electric electricity elegant eleven else elsewhere email emergency
    empty encourage end enemy energy engine engineer enjoy enough enter entire entrance equal
    equipment error escape especially even evening event eventually ever every everybody everyone
    everything everywhere exact exactly exam example excellent except exchange excite excuse
    exercise exist exit expand expect experience expert explain explore express extra extreme
    extremely eye face fact factory fail fair fairly faith fall false familiar family famous fancy
    far farm farmer fashion fast fasten fat father fault favor favorite favour favourite fear
    feature february feed feel feeling feet fell fellow felt female fence festival fetch few field
    fierce fifteen fifty fight figure file fill film final finally find fine finger finish fire
    firm first fish fit five fix flag flame flat flavor flavour flew flight float flood floor
    flour flow fly focus fog fold follow following food foolish foot for force foreign forest
    forever forget form former forth fortunate forty forward found four frame free freedom freeze
    frequent fresh friday friend friendly from front frozen full fully fun function funny fur
    furniture further future gain game gap garage garden gas gate gather gave general generally
    gentle gently get giant gift girl give given glad go goal god gold golden gone good goods got
    government grab grade gradually grain gram grand grandfather grandmother grass grateful gray
    great green greet grew grip ground group grow guard guess guest guide guy habit had hair half
    hall hand handful handle handsome hang happen happily happy hard hardly harm harvest has hate
    have he head health healthy hear heard heart heat heavy height hello help helpful her here
    hers herself hidden hide high highly hill him himself hint his history hit hobby hold hole
    holiday home honest honey hope horizontal horrible horse hospital hot hotel hour house
    household how however huge human hundred hunger hungry hunt hurry hurt husband ice idea ideal
    identical if ignore ill image imagine immediately important impossible improve inch include
    increase indeed indicate indoors industry inform information initial injury inner insect
    inside inspect instance instead instruct instruction intend interest interesting interior into
    introduce invent invite iron is island issue it its itself jam january job join joint joke
    journey joy judge juice july jump june just keen keep kept kettle kick kid kill kilo kilogram
    kilometer kind king kiss kitchen knee knew knock know knowledge label lack lady lake land
    language large largely last late lately later latest laugh laundry law lawn lay layer lazy
    lead leader lean learn least leather leave led left leg legal lend length less lesson let
    letter level library license lie life lift light like likely limit line link lip liquid list
    listen literally liter litre little live lively living load local locate location lonely long
    look loose lose loss lost lot loud love lovely low lower luck lucky luggage lunch machine mad
    made magic mail main mainly major make male man manage manager many map march mark market
    marry mask mass master match mate material matter may maybe me meal mean meaning means meant
    measure meat medical medicine medium meet meeting member memory men mend mental mention menu
    mere mess message met metal meter method metre middle midnight might mild mile milk mind mine
    minor minute mirror miss missing mistake mix mixture mobile model moment monday money month
    mood moon more morning most mostly mother motion mountain mouth move movement movie much mud
    multiple mum music must my myself mystery name narrow nation natural naturally nature near
    nearby nearest nearly neat necessary neck need needle negative neighbor neighbour neither
    nephew nervous nest net never new news next nice night nine no nobody noise none noon nor
    normal normally north nose not note nothing notice november now number numerous nurse obey
    object observe obvious obviously occasion occur ocean odd of off offer office officer often
    oil ok old on once one online only onto open operate opinion opportunity opposite option or
    oral order ordinary organize origin original other otherwise ought our ours ourselves out
    outdoors outer outline outside oven over overall owe own owner pace pack package page pain
    paint pair pale palm panic pants paper parent park part partial particular partly partner
    party pass passenger past path patience patient pattern pause pay peace peak peel people
    percent perfect perfectly perform perhaps period permit person personal pet photo photograph
    phrase physical pick picture pie piece pig pile pilot pin pipe pity place plain plan planet
    plastic plate play player pleasant please pleased pleasure plenty plus pocket poem point
    poison polish polite pool poor popular position positive possess possible possibly post
    postman pot potential pound pour powder power powerful practical practice praise pray precious
    precise prefer prepare present press pretend prevent previous price pride prince print private
    prize probable probably problem process produce product professional profit program progress
    project promise proper properly protect proud prove provide public pull punish pure purpose
    push put quality quantity quarter queen question quick quickly quiet quietly quit quite race
    radio rail rain raise ran random range rank rapid rare rarely rate rather raw reach react read
    reader ready real realize really rear reason reasonable recall receive recent recently recipe
    recognise recognize recommend record recover reduce refer reflect refuse regard region regular
    reject relate relax release remain remains remark remember remind remove rent repair repeat
    replace reply report request require rescue research respect respond rest restaurant result
    retire return reveal review reward rhythm rice rich rid ride right ring ripe rise risk river
    road robot roof room root rotate rough roughly round route row rub rubber rubbish rude rule
    run rush rust sad safe safely safety said sail salad salary sale salt same sample sand sat
    satisfy saturday sauce save saw say scale scared scene schedule school science score scratch
    scream sea search season seat second secret section secure see seed seek seem seen select
    selection self sell send sense sensible sent sentence separate september series serious serve
    service set settle seven several severe shade shadow shake shall shallow shape share sharp she
    sheep sheet shelf shell shine ship shirt shock shop short should shoulder shout show shower
    shut shy sick side sight sign signal silence silent silly silver similar simply since sing
    singer single sink sir sister sit site situation six size skill skin skirt sky sleep sleepy
    slice slide slight slightly slip slow slowly small smart smell smile smoke smooth snow so soap
    social soft soil sold solid solve some somebody somehow someone something sometimes somewhat
    somewhere son song soon sore sorry sort soul sound soup sour south space spare speak special
    specific speed spell spend spill spin spirit spite spoil spot spread spring square stable
    staff stage stair stand standard star stare start state station stay steady steal steam steel
    step stick stiff still stir stock stomach stone stood stop store storm story straight strange
    stream street strength strict strike strong structure struggle student study stuff stupid
    style subject succeed success such sudden suddenly suffer sugar suggest suit suitable summer
    sun sunday supper supply support suppose sure surely surface surprise surround survive sweep
    sweet swim swing switch symbol system table tail take talent talk tall task taste taught taxi
    tea teach teacher team tear tease teeth telephone television tell temperature ten tend term
    terrible test text than thank that the their them themselves then there therefore these they
    thick thin thing think third thirsty thirteen this thorough those though thought thousand
    thread threat three threw throat through throughout throw thumb thursday thus ticket tidy tie
    tight till time tiny tip tired title to today toe together toilet told tomorrow tone tongue
    tonight too took tool tooth top topic total totally touch tough toward towards tower town toy
    trace track trade tradition traffic transfer translate transparent travel treasure treat trial
    trick trip tropical trouble true truly trust truth try tube tuesday turn twelve twenty twice
    twin twist two type typical unable uncle under underneath understand unfold unhappy uniform
    unit unite unknown unless unlike unlikely until unusual up upon upper upset upside upstairs
    urgent us use used useful useless user usual usually valley valuable value various vegetable
    vehicle version vertical very via victory video view viewer village visible visit visitor
    visual voice volume wait wake walk wall want war warm warn wash waste watch water wave way we
    weak wear weather wednesday week weekend weigh weight welcome well went were west wet what
    whatever when whenever where wherever whether which while whisper white who whole whom whose
    why wide widely width wife wild will win wind window wine wing winner winter wire wise wish
    with within without woman women wonder wonderful wood wool word work worker workshop world
    worry worse worst worth would wound wrap wrist write wrong yard yeah year yell yellow yes
    yesterday yet you young your yours yourself zero zone
    """
)
